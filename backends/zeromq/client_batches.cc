#include "paracord/backends/zeromq/client_batches.h"

#include <algorithm>
#include <utility>

namespace paracord::cluster {

namespace {

// What a batch takes of the scheduler's queue beside its payload.
constexpr std::uint64_t batch_overhead = 64;

std::uint64_t bytes_of(const Submit& batch) {
  return batch_overhead + (batch.payload ? batch.payload->size() : 0);
}

}  // namespace

std::int64_t ClientLedger::State::rank(CallId id) const {
  const auto call = calls.find(id);
  return call == calls.end() ? 0 : -std::int64_t{call->second.open.priority};
}

void ClientLedger::State::send(ClientBatch& batch) {
  batch.sent = true;
  if (batch.queued_bytes == 0) {
    batch.queued_bytes = bytes_of(batch.submit);
    used_bytes += batch.queued_bytes;
  }
  link.say(batch.submit);
}

void ClientLedger::State::send_what_fits() {
  while (!held_back.empty() && link.is_welcome() && !link.hello_is_due()) {
    const auto first = held_back.begin();
    ClientBatch& batch = batches.at(std::get<BatchId>(*first));
    if (used_bytes != 0 && used_bytes + bytes_of(batch.submit) > queue_bytes) return;
    held_back.erase(first);
    send(batch);
  }
}

void ClientLedger::State::leave_queue(ClientBatch& batch) {
  used_bytes -= std::exchange(batch.queued_bytes, 0);
}

void ClientLedger::State::acknowledge(PeerId node, const Attempt& attempt, std::uint32_t task) {
  acknowledgements[{node, attempt}].push_back(task);
}

void ClientLedger::State::say_acknowledgements() {
  for (auto& [to, tasks] : std::exchange(acknowledgements, {}))
    link.say_soon(Acknowledge{to.first, to.second, std::move(tasks)});
}

void ClientLedger::State::say_resumed() {
  for (const CallId id : std::exchange(resumed, {})) {
    calls.at(id).said_waiting = false;
    link.say(Waiting{id, false});
  }
}

void ClientLedger::State::say_hello() {
  ClientHello hello;
  hello.client = identity.client;
  hello.root = identity.root;
  hello.weight = identity.weight;
  hello.name = identity.name;
  hello.known_epoch = link.known_epoch();
  hello.known_nodes.assign(nodes.begin(), nodes.end());
  std::sort(hello.known_nodes.begin(), hello.known_nodes.end());
  for (const auto& [id, call] : calls) hello.calls.push_back(call.open);
  std::vector<BatchId> sent;
  for (const auto& [id, batch] : batches) {
    // Also those that are over, and of which results are still on their way from their node.
    if (batch.sent) sent.push_back(id);
  }
  std::sort(sent.begin(), sent.end());
  for (const BatchId id : sent) {
    const ClientBatch& batch = batches.at(id);
    hello.expected.push_back(
        {id, batch.submit.call, batch.submit.count, batch.attempt, batch.node});
  }
  link.say_hello(std::move(hello));
  resumed.clear();
  for (auto& [id, call] : calls) {
    // Also where it does not wait: the end of its waiting may have been lost.
    if (call.has_waited) link.say(Waiting{id, call.said_waiting = call.waiting > 0});
    if (call.to_come > 0) link.say(ToCome{id, call.to_come});
  }
  for (const BatchId id : sent) {
    if (ClientBatch& batch = batches.at(id); batch.attempt.counter == 0) send(batch);
  }
}

void ClientLedger::State::end_if_all_came(ClientBatch& batch) {
  if (!batch.over_at_node || batch.ended) return;
  while (batch.next != 0 && batch.seen.contains(batch.next - 1)) --batch.next;
  batch.ended = batch.next == 0;
}

void ClientLedger::State::end_if_done(BatchId id) {
  const auto found = batches.find(id);
  if (found == batches.end()) return;
  const ClientBatch& batch = found->second;
  if (batch.ended && batch.arrived.size() == batch.kept.size()) finish(id);
}

// The owner gets the batch back, with what has no result.
void ClientLedger::State::finish(BatchId id) {
  const auto found = batches.find(id);
  ClientBatch& batch = found->second;
  client::Over over{id, {}, batch.losses, batch.ran_nanoseconds, std::move(batch.refusal)};
  for (std::uint32_t task = 0; task != batch.submit.count; ++task) {
    if (batch.kept.contains(task)) continue;
    over.missing.push_back(task);
    if (batch.arrived.contains(task)) acknowledge(batch.node, batch.attempt, task);
  }
  leave_queue(batch);
  held_back.erase({rank(batch.submit.call), id});
  effects.push_back(std::move(over));
  batches.erase(found);
  send_what_fits();
}

ClientBatch* ClientLedger::State::find(BatchId id, const Attempt& attempt) {
  const auto found = batches.find(id);
  if (found == batches.end() || found->second.attempt != attempt) return nullptr;
  return &found->second;
}

}  // namespace paracord::cluster
