#include "paracord/backends/zeromq/client_ledger.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "paracord/backends/zeromq/client_batches.h"

namespace paracord::cluster {

namespace {

// As long as the pause of a reader may be that takes its results as they come.
constexpr Time shortest_pause = std::chrono::milliseconds(1);

}  // namespace

ClientLedger::ClientLedger(Identity identity)
    : state_(std::make_unique<State>(std::move(identity))) {}

ClientLedger::~ClientLedger() = default;

void ClientLedger::connected(Time now) {
  state_->link.connected(now);
}

void ClientLedger::receive(Packet packet, Time now) {
  state_->now = std::max(state_->now, now);
  for (Message& message : state_->link.receive(std::move(packet), now)) state_->act_on(message);
}

void ClientLedger::tick(Time now) {
  state_->now = std::max(state_->now, now);
  if (!state_->resumed.empty() && state_->now >= state_->say_resumed_at) state_->say_resumed();
  state_->link.tick(now);
}

Time ClientLedger::next_deadline() const {
  const bool has_more = !state_->acknowledgements.empty() || !state_->effects.empty();
  if (has_more) return Time::min();
  const Time next = state_->link.next_deadline();
  return state_->resumed.empty() ? next : std::min(next, state_->say_resumed_at);
}

void ClientLedger::open_call(OpenCall call) {
  // Its first batch is on its way to here; a nested one waits for the answer.
  if (call.nesting_level == 0) {
    state_->link.say_soon(call);
  } else {
    state_->link.say(call);
  }
  ClientCall& opened = state_->calls[call.call];
  opened.open = std::move(call);
}

void ClientLedger::submit(Submit batch) {
  const BatchId id = batch.batch;
  const auto call = state_->calls.find(batch.call);
  if (call == state_->calls.end() || call->second.cancelled) {
    client::Over over{id, std::vector<std::uint32_t>(batch.count), batch.losses, 0, {}};
    std::iota(over.missing.begin(), over.missing.end(), 0u);
    state_->effects.push_back(std::move(over));
    return;
  }
  state_->held_back.insert({state_->rank(batch.call), id});
  ClientBatch& entry = state_->batches[id];
  entry.losses = batch.losses;
  // A scheduler that comes after this one hears it with the call.
  if (!batch.label.empty()) call->second.open.label = batch.label;
  entry.submit = std::move(batch);
  state_->send_what_fits();
}

void ClientLedger::cancel_call(CallId call) {
  if (const auto known = state_->calls.find(call); known != state_->calls.end())
    known->second.cancelled = true;
  std::vector<BatchId> ids;
  for (const auto& [id, batch] : state_->batches) {
    if (batch.submit.call == call) ids.push_back(id);
  }
  std::sort(ids.begin(), ids.end());
  state_->link.say(CancelCall{call});
  for (const BatchId id : ids) state_->held_back.erase({state_->rank(call), id});
  for (const BatchId id : ids) state_->finish(id);
}

void ClientLedger::close_call(CallId call) {
  state_->calls.erase(call);
  state_->resumed.erase(call);
  state_->link.say_soon(CloseCall{call});
}

void ClientLedger::waiting(CallId call, bool begins) {
  const auto found = state_->calls.find(call);
  if (found == state_->calls.end()) return;
  ClientCall& known = found->second;
  known.waiting += begins ? 1 : -1;
  if (known.waiting == 0 && known.said_waiting) {
    if (state_->resumed.empty()) state_->say_resumed_at = state_->now + shortest_pause;
    state_->resumed.insert(call);
  } else if (known.waiting > 0) {
    state_->resumed.erase(call);
    known.has_waited = true;
    if (!std::exchange(known.said_waiting, true)) state_->link.say(Waiting{call, true});
  }
}

void ClientLedger::to_come(CallId call, std::uint64_t tasks) {
  const auto found = state_->calls.find(call);
  if (found == state_->calls.end() || found->second.to_come == tasks) return;
  found->second.to_come = tasks;
  state_->link.say(ToCome{call, tasks});
}

void ClientLedger::keep_result(BatchId id, std::uint32_t task) {
  const auto found = state_->batches.find(id);
  if (found == state_->batches.end() || !found->second.arrived.contains(task)) return;
  if (!found->second.kept.insert(task)) return;
  state_->acknowledge(found->second.node, found->second.attempt, task);
  state_->end_if_done(id);
}

void ClientLedger::drop_result(BatchId id, std::uint32_t task) {
  const auto found = state_->batches.find(id);
  if (found == state_->batches.end() || found->second.kept.contains(task)) return;
  if (!found->second.arrived.erase(task)) return;
  state_->acknowledge(found->second.node, found->second.attempt, task);
  state_->end_if_done(id);
}

void ClientLedger::goodbye() {
  state_->link.goodbye();
}

std::vector<client::Effect> ClientLedger::take_effects() {
  return std::exchange(state_->effects, {});
}

std::vector<Packet> ClientLedger::take_outgoing() {
  if (state_->link.hello_is_due()) state_->say_hello();
  state_->say_acknowledgements();
  return state_->link.take_outgoing();
}

void ClientLedger::hurry() {
  state_->say_acknowledgements();
  state_->say_resumed();
  state_->link.hurry();
}

bool ClientLedger::is_welcome() const {
  return state_->link.is_welcome();
}

}  // namespace paracord::cluster
