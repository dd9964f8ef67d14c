// What a client does with each message from the scheduler.

#include <algorithm>
#include <type_traits>
#include <utility>

#include "paracord/backends/zeromq/client_batches.h"

namespace paracord::cluster {

void ClientLedger::State::act_on(Message& message) {
  std::visit(
      [this](auto& known) {
        if constexpr (requires { this->on(known); }) on(known);
      },
      message);
}

void ClientLedger::State::on(const Welcome& message) {
  queue_bytes = message.queue_bytes;
  effects.push_back(client::UseRelay{message.relay});
  if (message.node_lost_nanoseconds > 0)
    effects.push_back(client::NodesAreLostAfter{Time(message.node_lost_nanoseconds)});
  send_what_fits();
}

void ClientLedger::State::on(const Refuse& message) {
  effects.push_back(client::Refused{message.why});
}

void ClientLedger::State::on(const CallOpened& message) {
  on(Slots{message.slots});
  const auto call = calls.find(message.call);
  if (call == calls.end() || std::exchange(call->second.answered, true)) return;
  effects.push_back(client::CallReady{message.call, message.run_inline});
}

void ClientLedger::State::on(TaskOutput& message) {
  effects.push_back(client::Printed{std::move(message)});
}

void ClientLedger::State::on(const NodeJoined& message) {
  if (nodes.insert(message.node.node).second) effects.push_back(client::DialNode{message.node});
}

void ClientLedger::State::on(const NodeGone& message) {
  if (nodes.erase(message.node) != 0)
    effects.push_back(client::ForgetNode{message.node, message.why});
}

void ClientLedger::State::on(const Assigned& message) {
  const auto found = batches.find(message.batch);
  if (found == batches.end() || found->second.ended) return;
  ClientBatch& batch = found->second;
  batch.attempt = message.attempt;
  batch.node = message.node;
  batch.submit.payload = nullptr;
  batch.submit.needs = {};
  leave_queue(batch);
  send_what_fits();
}

// Results of an attempt that does not count are acknowledged, too: its node is to let go of them.
void ClientLedger::State::on(Results& message) {
  ClientBatch* const batch = find(message.batch, message.attempt);
  client::Arrived arrived{message.batch, message.attempt, message.node, {}, message.payload};
  for (const std::uint32_t task : message.tasks) {
    const bool is_known = batch != nullptr && task < batch->submit.count;
    if (is_known && batch->arrived.insert(task)) {
      batch->seen.insert(task);
      arrived.tasks.push_back(task);
    } else if (!is_known || batch->kept.contains(task)) {
      acknowledge(message.node, message.attempt, task);
    }
  }
  if (arrived.tasks.empty()) return;
  effects.push_back(std::move(arrived));
  end_if_all_came(*batch);
}

void ClientLedger::State::on(const BatchOver& message) {
  ClientBatch* const batch = find(message.batch, message.attempt);
  if (batch == nullptr) return;
  batch->over_at_node = true;
  batch->next = std::min(message.next, batch->submit.count);
  batch->ran_nanoseconds = std::max(batch->ran_nanoseconds, message.ran_nanoseconds);
  end_if_all_came(*batch);
  end_if_done(message.batch);
}

void ClientLedger::State::on(const Returned& message) {
  ClientBatch* const batch = find(message.batch, message.attempt);
  if (batch == nullptr || batch->ended) return;
  batch->ended = true;
  batch->losses += message.lost ? 1 : 0;
  batch->refusal = message.refusal;
  end_if_done(message.batch);
}

void ClientLedger::State::on(const Slots& message) {
  if (slots == message.slots) return;
  slots = message.slots;
  effects.push_back(client::ClusterSlots{slots});
}

}  // namespace paracord::cluster
