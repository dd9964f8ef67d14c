// What a node does with each message from the scheduler.

#include "paracord/backends/zeromq/node_batches.h"

namespace paracord::cluster {

namespace {

// Cancellations that came before what they cancel: older ones than these will not be needed.
constexpr std::size_t most_tombstones = 4096;

}  // namespace

void NodeLedger::State::act_on(Message& message) {
  std::visit(
      [this](auto& known) {
        if constexpr (requires { this->on(known); }) on(known);
      },
      message);
}

void NodeLedger::State::on(const Welcome& message) {
  effects.push_back(node::UseRelay{message.relay});
}

void NodeLedger::State::on(const Refuse& message) {
  effects.push_back(node::Refused{message.why});
}

void NodeLedger::State::on(NodeCall& message) {
  const auto [entry, is_new] = calls.try_emplace({message.client, message.call.call});
  entry->second.confirmed = true;
  if (!is_new) return;
  effects.push_back(node::OpenCall{std::move(message)});
}

void NodeLedger::State::on(Assign& message) {
  const Attempt attempt = message.attempt;
  if (batches.contains(attempt)) return;
  if (tombstones.contains(attempt)) {
    link.say(BatchOver{message.client, message.batch.batch, attempt, 0, 0, {}});
    return;
  }
  NodeBatch& batch = batches[attempt];
  batch.client = message.client;
  batch.batch = message.batch.batch;
  batch.call = message.batch.call;
  ++calls[{batch.client, batch.call}].batches;
  effects.push_back(node::Run{std::move(message)});
}

void NodeLedger::State::on(const CancelAttempt& message) {
  if (batches.contains(message.attempt)) {
    cancel(message.attempt);
    return;
  }
  if (!tombstones.insert(message.attempt).second) return;
  tombstone_order.push_back(message.attempt);
  if (tombstone_order.size() <= most_tombstones) return;
  tombstones.erase(tombstone_order.front());
  tombstone_order.pop_front();
}

void NodeLedger::State::on(const Retract& message) {
  const auto found = batches.find(message.attempt);
  if (found != batches.end() && !found->second.over)
    effects.push_back(node::GiveBack{message.attempt});
}

void NodeLedger::State::on(const Lend& message) {
  if (!message.begins) {
    end_lent(message.attempt);
    return;
  }
  const auto found = batches.find(message.attempt);
  if (found == batches.end() || found->second.over) return;
  const auto [entry, is_new] = lent.insert_or_assign(message.attempt, true);
  if (is_new) effects.push_back(node::Lent{message.attempt, true});
}

void NodeLedger::State::on(const NodeCallClosed& message) {
  end_call(message.client, message.call);
}

void NodeLedger::State::on(const ClientGone& message) {
  std::vector<Attempt> its;
  for (const auto& [attempt, batch] : batches) {
    if (batch.client == message.client) its.push_back(attempt);
  }
  for (const Attempt& attempt : its) cancel(attempt);
  std::vector<CallId> ended;
  for (auto call = calls.lower_bound({message.client, 0});
       call != calls.end() && call->first.first == message.client; ++call)
    ended.push_back(call->first.second);
  for (const CallId call : ended) end_call(message.client, call);
  effects.push_back(node::EndClient{message.client});
}

void NodeLedger::State::on(const Acknowledge& message) {
  const auto found = batches.find(message.attempt);
  if (found == batches.end()) return;
  NodeBatch& batch = found->second;
  for (const std::uint32_t task : message.tasks) {
    if (!batch.unacknowledged.erase(task)) continue;
    effects.push_back(node::Release{message.attempt, task});
    const auto results = batch.kept.find(batch.kept_of[task]);
    if (--results->second.left != 0) continue;
    held_bytes -= results->second.payload->size();
    batch.kept.erase(results);
  }
  forget_if_done(message.attempt);
}

void NodeLedger::State::on(const SendAgain& message) {
  for (const HeldBatch& wanted : message.batches) {
    const auto found = batches.find(wanted.attempt);
    if (found == batches.end()) {
      link.say(BatchOver{message.client, wanted.batch, wanted.attempt, 0, 0, {}});
      continue;
    }
    for (const auto& [order, results] : found->second.kept)
      say_results(wanted.attempt, found->second, results);
    if (found->second.over) say_over(wanted.attempt, found->second);
  }
}

}  // namespace paracord::cluster
