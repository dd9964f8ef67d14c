#include "paracord/scheduler/endings.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/nesting.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

void leave_list(State& state, std::uint32_t index) {
  const Batch& batch = state.batch(index);
  switch (batch.state) {
    case BatchState::queued:
      dequeue(state, index);
      return;
    case BatchState::running:
      forget_waiter(state, batch.attempt);
      end_running(state, index);
      return;
    default:
      remove(state, list_of(state, batch), index);
  }
}

void detach(State& state, Batch& batch) {
  if (batch.call != nullptr) {
    batch.call->running_tasks -= batch.count;
    --batch.call->running_batches;
    state.client(batch.client).running_tasks -= batch.count;
  }
  state.client(batch.client).batches.erase(batch.id);
  batch.client = none;
  batch.call = nullptr;
}

}  // namespace

void return_batch(State& state, std::uint32_t index, bool lost, std::string refusal) {
  const Batch& batch = state.batch(index);
  if (batch.client != none) {
    state.counters.tasks_returned += batch.count;
    send(state, state.client(batch.client).session,
         Returned{batch.id, batch.attempt, 0, lost, std::move(refusal)});
  }
  leave_list(state, index);
  free_batch(state, index);
}

void abandon_batch(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  const bool is_at_node = batch.state == BatchState::running || batch.state == BatchState::over;
  if (is_at_node) send(state, state.node(batch.node).session, CancelAttempt{batch.attempt});
  if (batch.state == BatchState::running) {
    forget_waiter(state, batch.attempt);
    detach(state, batch);
    return;
  }
  leave_list(state, index);
  free_batch(state, index);
}

void end_batch(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  if (batch.state == BatchState::over) return;
  leave_list(state, index);
  batch.state = BatchState::over;
  push_back(state, state.node(batch.node).over, index);
}

void forget_if_settled(State& state, std::uint32_t index) {
  const Batch& batch = state.batch(index);
  if (batch.state != BatchState::over) return;
  if (batch.client != none && !batch.unacknowledged.empty()) return;
  leave_list(state, index);
  free_batch(state, index);
}

std::vector<std::uint32_t> batches_of(State& state, const Client& client, const Call* call) {
  std::vector<std::uint32_t> indexes;
  client.batches.for_each([&](BatchId, std::uint32_t index) {
    if (call == nullptr || state.batch(index).call == call) indexes.push_back(index);
  });
  std::sort(indexes.begin(), indexes.end(), [&](std::uint32_t a, std::uint32_t b) {
    return state.batch(a).id < state.batch(b).id;
  });
  return indexes;
}

void drop_call(State& state, Client& client, CallId id) {
  const auto found = client.calls.find(id);
  if (found == client.calls.end()) return;
  Call& call = *found->second;
  for (const std::uint32_t index : batches_of(state, client, &call)) abandon_batch(state, index);
  end_nested(state, call);
  for (const auto& node : state.nodes) {
    if (node != nullptr && contains(call.told, node->session.index))
      send(state, node->session, NodeCallClosed{client.session.peer, id});
  }
  client.calls.erase(found);
}

}  // namespace paracord::cluster::scheduling
