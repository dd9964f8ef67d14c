#include "paracord/scheduler/nesting.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/balance.h"
#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

Waiter* find_waiter(State& state, const Call& call) {
  const auto found = state.waiters.find(call.open.parent);
  return found == state.waiters.end() ? nullptr : &found->second;
}

// Slots that end their work without the help of others, if all who may wait do.
std::int64_t free_slots(const State& state, const Node& node) {
  if (node.is_draining || node.is_suspect || state.now < node.waiters_known_at) return 0;
  const std::int64_t unparked =
      std::max<std::int64_t>(0, std::int64_t{node.waiters} - std::int64_t{node.most_parked});
  return std::max<std::int64_t>(0, std::int64_t{node.slots} - unparked);
}

void lend(State& state, Node& node, const Attempt& attempt, Waiter& waiter, bool begins) {
  waiter.is_lent = begins;
  node.lent += begins ? 1 : -1;
  send(state, node.session, Lend{attempt, begins});
}

// Someone else who waits may have the place.
void lend_to_next(State& state, Node& node) {
  for (auto& [attempt, waiter] : state.waiters) {
    if (node.lent >= node.most_parked) return;
    if (waiter.node == node.session.peer && waiter.waiting > 0 && !waiter.is_lent)
      lend(state, node, attempt, waiter, true);
  }
}

void begin_waiting(State& state, Node& node, const Attempt& attempt, Waiter& waiter) {
  ++node.waiting;
  if (node.lent < node.most_parked) lend(state, node, attempt, waiter, true);
  update_load(state, node);
  if (usable_slots(node) == 0) retract_all(state, node);
}

void end_waiting(State& state, Node& node, const Attempt& attempt, Waiter& waiter) {
  --node.waiting;
  if (waiter.is_lent) {
    lend(state, node, attempt, waiter, false);
    if (node.lent < node.waiting) lend_to_next(state, node);
  }
  update_load(state, node);
}

// An attempt that was given up may go on for a while, and holds no slot here.
bool runs_at(const State& state, const Node& node, const Attempt& attempt) {
  const std::uint32_t index = find_attempt(state, attempt);
  if (index == none) return false;
  const Batch& batch = state.batches[index];
  return batch.state == BatchState::running && batch.client != none &&
         batch.node == node.session.index;
}

// It was lost, with its attempts, and has brought some of them back: those that make calls of their
// own are forgotten, while their calls are not.
void find_waiters_again(State& state, const Node& node) {
  std::vector<Call*> calls;
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    for (const auto& [id, call] : client->calls) {
      const Attempt& parent = call->open.parent;
      if (parent.counter != 0 && call->open.parent_node == node.session.peer && call->answered &&
          !call->run_inline && !state.waiters.contains(parent) && runs_at(state, node, parent))
        calls.push_back(call.get());
    }
  }
  for (Call* const call : calls) {
    Waiter& waiter = state.waiters[call->open.parent];
    waiter.node = node.session.peer;
    waiter.client = state.client(call->client).session.peer;
    waiter.calls.push_back(call);
    waiter.waiting += call->waits ? 1 : 0;
  }
}

// Whether tasks of the call, or of any call where there is none, could run on this node.
bool is_willing(const Node& node, const Call* call) {
  return !node.is_draining && (call == nullptr || !refuses(node, *call));
}

}  // namespace

bool lend_in_need(State& state, const Call* call) {
  if (state.waiters.empty()) return false;
  for (const auto& node : state.nodes) {
    // Who is suspect may come back, with slots.
    if (node != nullptr && is_willing(*node, call) &&
        (node->is_suspect || usable_slots(*node) != 0))
      return false;
  }
  for (auto& [attempt, waiter] : state.waiters) {
    if (waiter.waiting == 0 || waiter.is_lent) continue;
    Node* const node = find_node(state, waiter.node);
    if (node == nullptr || !is_willing(*node, call)) continue;
    lend(state, *node, attempt, waiter, true);
    update_load(state, *node);
    return true;
  }
  return false;
}

bool must_run_inline(State& state, const Call& call) {
  if (call.open.parent.counter == 0) return false;
  const Node* const own = find_node(state, call.open.parent_node);
  if (own == nullptr) return true;  // it has not come back yet, or is lost
  if (const Waiter* const waiter = find_waiter(state, call))
    return waiter->client != state.client(call.client).session.peer;
  if (!runs_at(state, *own, call.open.parent)) return true;
  if (state.now < own->waiters_known_at || own->lent > own->most_parked) return true;
  if (own->waiters < own->most_parked) return false;
  std::int64_t left = free_slots(state, *own) > 0 ? -1 : 0;
  for (const auto& node : state.nodes) {
    if (node != nullptr) left += free_slots(state, *node);
    if (left > 0) return false;
  }
  return true;
}

void begin_nested(State& state, Call& call) {
  if (call.open.parent.counter == 0) return;
  Waiter* waiter = find_waiter(state, call);
  if (waiter == nullptr) {
    Node* const node = find_node(state, call.open.parent_node);
    // It is found again when its node has come back, see restore_waiters().
    if (node == nullptr || !runs_at(state, *node, call.open.parent)) return;
    waiter = &state.waiters[call.open.parent];
    waiter->node = call.open.parent_node;
    waiter->client = state.client(call.client).session.peer;
    ++node->waiters;
  }
  waiter->calls.push_back(&call);
}

void end_nested(State& state, Call& call) {
  if (call.waits) set_waiting(state, call, false);
  Waiter* const waiter = find_waiter(state, call);
  if (waiter == nullptr || std::erase(waiter->calls, &call) == 0 || !waiter->calls.empty()) return;
  if (Node* const node = find_node(state, waiter->node)) --node->waiters;
  state.waiters.erase(call.open.parent);
}

void set_waiting(State& state, Call& call, bool begins) {
  if (call.waits == begins) return;
  if (!call.answered || call.run_inline) {  // another scheduler has decided otherwise
    call.answered = true;
    call.run_inline = false;
    begin_nested(state, call);
  }
  call.waits = begins;
  Waiter* const waiter = find_waiter(state, call);
  if (waiter == nullptr ||
      std::find(waiter->calls.begin(), waiter->calls.end(), &call) == waiter->calls.end())
    return;
  waiter->waiting += begins ? 1 : -1;
  Node* const node = find_node(state, waiter->node);
  if (node == nullptr) return;
  if (begins && waiter->waiting == 1) begin_waiting(state, *node, call.open.parent, *waiter);
  if (!begins && waiter->waiting == 0) end_waiting(state, *node, call.open.parent, *waiter);
}

void forget_waiter(State& state, const Attempt& attempt) {
  const auto found = state.waiters.find(attempt);
  if (found == state.waiters.end()) return;
  Waiter waiter = std::move(found->second);
  state.waiters.erase(found);
  Node* const node = find_node(state, waiter.node);
  if (node == nullptr) return;
  --node->waiters;
  if (waiter.waiting > 0) end_waiting(state, *node, attempt, waiter);
}

void restore_waiters(State& state, Node& node) {
  find_waiters_again(state, node);
  node.waiters = node.waiting = node.lent = 0;
  for (auto& [attempt, waiter] : state.waiters) {
    if (waiter.node != node.session.peer) continue;
    ++node.waiters;
    waiter.is_lent = false;
    if (waiter.waiting > 0) begin_waiting(state, node, attempt, waiter);
  }
}

}  // namespace paracord::cluster::scheduling
