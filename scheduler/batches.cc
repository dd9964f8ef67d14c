#include "paracord/scheduler/batches.h"

#include <utility>

#include "paracord/scheduler/limits.h"

namespace paracord::cluster::scheduling {

namespace {

// An attempt's counter is its batch's place in the table, and how often that was used before.
constexpr int place_bits = 32;

constexpr double smoothing = 0.2;

double smoothed(double before, double sample) {
  return before == 0 ? sample : before + smoothing * (sample - before);
}

}  // namespace

void push_back(State& state, BatchList& list, std::uint32_t index) {
  Batch& batch = state.batch(index);
  batch.previous = list.last;
  batch.next = none;
  (list.last == none ? list.first : state.batch(list.last).next) = index;
  list.last = index;
  ++list.size;
}

void remove(State& state, BatchList& list, std::uint32_t index) {
  Batch& batch = state.batch(index);
  (batch.previous == none ? list.first : state.batch(batch.previous).next) = batch.next;
  (batch.next == none ? list.last : state.batch(batch.next).previous) = batch.previous;
  batch.previous = batch.next = none;
  --list.size;
}

std::uint32_t add_batch(State& state, Client& client, BatchId id) {
  std::uint32_t index;
  if (state.free_batches.empty()) {
    index = state.batches.add();
  } else {
    index = state.free_batches.back();
    state.free_batches.pop_back();
  }
  Batch& batch = state.batch(index);
  batch.id = id;
  batch.client = client.session.index;
  batch.order = ++state.order;
  client.batches.insert(id, index);
  return index;
}

void free_batch(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  if (batch.client != none) state.client(batch.client).batches.erase(batch.id);
  if (const auto adopted = state.adopted.find(batch.attempt);
      adopted != state.adopted.end() && adopted->second == index)
    state.adopted.erase(adopted);
  const std::uint32_t generation = batch.generation + 1;
  batch = Batch{};
  batch.generation = generation;
  state.free_batches.push_back(index);
}

std::uint32_t find_attempt(const State& state, const Attempt& attempt) {
  if (attempt.counter == 0) return none;
  const auto index = static_cast<std::uint32_t>(attempt.counter);
  if (index < state.batches.size() && state.batches[index].attempt == attempt &&
      state.batches[index].state >= BatchState::running)
    return index;
  if (state.adopted.empty()) return none;
  const auto found = state.adopted.find(attempt);
  return found == state.adopted.end() ? none : found->second;
}

Attempt next_attempt(State& state, std::uint32_t index) {
  const std::uint64_t generation = std::uint64_t{state.batch(index).generation} + 1;
  return {state.epoch, generation << place_bits | index};
}

void adopt_attempt(State& state, std::uint32_t index, const Attempt& attempt) {
  state.batch(index).attempt = attempt;
  state.adopted[attempt] = index;
}

BatchList& list_of(State& state, const Batch& batch) {
  switch (batch.state) {
    case BatchState::queued:
      return batch.call->queued;
    case BatchState::running:
      return state.node(batch.node).running;
    case BatchState::over:
      return state.node(batch.node).over;
    default:
      return state.client(batch.client).unsettled;
  }
}

double cost_of_task(const State& state, const Call& call) {
  if (call.cost_per_task > 0) return call.cost_per_task;
  return state.usual_cost > 0 ? state.usual_cost : unknown_cost_nanoseconds;
}

void learn_cost(State& state, Call& call, double nanoseconds_per_task) {
  const double sample = nanoseconds_per_task > 1 ? nanoseconds_per_task : 1;
  call.cost_per_task = smoothed(call.cost_per_task, sample);
  call.function->cost = call.cost_per_task;
  state.usual_cost = smoothed(state.usual_cost, sample);
}

}  // namespace paracord::cluster::scheduling
