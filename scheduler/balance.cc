#include "paracord/scheduler/balance.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

bool is_available(const Node& node) {
  return !node.is_suspect && !node.is_draining;
}

std::uint64_t idle_slots(const State& state) {
  std::uint64_t idle = 0;
  for (const auto& node : state.nodes) {
    if (node == nullptr || !is_available(*node)) continue;
    const std::uint32_t usable = usable_slots(*node), active = active_batches(*node);
    idle += usable > active ? usable - active : 0;
  }
  return idle;
}

// Those assigned last wait; what waits for less than the prefetch will be begun soon enough.
std::uint64_t retract_waiting(State& state, const Node& node, std::uint64_t most) {
  const std::uint32_t usable = usable_slots(node), active = active_batches(node);
  std::uint64_t waiting = active > usable ? active - usable : 0, taken = 0;
  for (std::uint32_t index = node.running.last; index != none && waiting != 0 && taken < most;
       index = state.batch(index).previous, --waiting) {
    const Batch& batch = state.batch(index);
    if (batch.retracted || state.waiters.contains(batch.attempt)) continue;
    if (batch.since + state.options.prefetch > state.now) continue;
    retract(state, index);
    ++taken;
  }
  return taken;
}

}  // namespace

void retract(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  if (std::exchange(batch.retracted, true)) return;
  send(state, state.node(batch.node).session, Retract{batch.attempt});
}

void retract_all(State& state, Node& node) {
  for (std::uint32_t index = node.running.first; index != none; index = state.batch(index).next) {
    if (!state.waiters.contains(state.batch(index).attempt)) retract(state, index);
  }
}

// There is: an idle node beside one that holds more than it can run at once.
void consider_balance(State& state) {
  if (state.balance_alarm || state.queued_batches != 0 || state.loads.least() == none) return;
  const Node& idlest = state.node(state.loads.least());
  if (active_batches(idlest) >= usable_slots(idlest)) return;
  if (state.excess == 0) return;
  state.balance_alarm = true;
  state.set_alarm(state.now + balance_interval, Alarm::balance);
}

void balance(State& state) {
  state.balance_alarm = false;
  if (state.queued_batches != 0) return;
  std::uint64_t idle = idle_slots(state);
  for (const auto& node : state.nodes) {
    if (idle == 0) break;
    if (node != nullptr && node->running.size != 0) idle -= retract_waiting(state, *node, idle);
  }
  consider_balance(state);
}

}  // namespace paracord::cluster::scheduling
