#include "paracord/scheduler/queue.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/limits.h"

namespace paracord::cluster::scheduling {

namespace {

std::uint64_t bytes_of(const Batch& batch) {
  return batch_overhead + batch.payload->size();
}

void set_active(State& state, Root& root, bool active) {
  if (root.is_active == active) return;
  if (active) {
    root.virtual_time = std::max(root.virtual_time, state.virtual_time);
    state.active.emplace(std::pair{root.virtual_time, root.id}, &root);
  } else {
    state.active.erase({root.virtual_time, root.id});
  }
  root.is_active = active;
}

// Where the limit is above what the cluster has, more may wait at the nodes.
bool is_at_its_limit(const State& state, const Call& call) {
  const std::uint32_t most = call.open.most_at_once;
  return most != 0 && most < state.slot_count && call.running_batches >= most;
}

// The call's place in its root's order is that of its first batch.
void place_call(State& state, Call& call, bool was_ready) {
  Root& root = *state.client(call.client).root;
  if (call.queued.first == none) {
    if (was_ready) root.ready.erase(call.key);
    set_active(state, root, !root.ready.empty());
    return;
  }
  const QueueKey key{-std::int64_t{call.open.priority}, -std::int64_t{call.open.nesting_level},
                     state.batch(call.queued.first).order};
  if (was_ready) {
    auto entry = root.ready.extract(call.key);
    entry.key() = key;
    root.ready.insert(std::move(entry));
  } else {
    root.ready.emplace(key, &call);
  }
  call.key = key;
  set_active(state, root, true);
}

}  // namespace

void enqueue(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  Call& call = *batch.call;
  Client& client = state.client(batch.client);
  batch.state = BatchState::queued;
  batch.since = state.now;
  push_back(state, call.queued, index);
  ++state.queued_batches;
  call.queued_tasks += batch.count;
  client.queued_tasks += batch.count;
  client.queued_bytes += bytes_of(batch);
  state.counters.payload_bytes += batch.payload->size();
  if (call.queued.size == 1) place_call(state, call, false);
}

void dequeue(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  Call& call = *batch.call;
  Client& client = state.client(batch.client);
  const bool was_first = call.queued.first == index;
  remove(state, call.queued, index);
  --state.queued_batches;
  call.queued_tasks -= batch.count;
  client.queued_tasks -= batch.count;
  client.queued_bytes -= bytes_of(batch);
  state.counters.payload_bytes -= batch.payload->size();
  if (was_first) place_call(state, call, true);
}

std::uint32_t next_queued(State& state) {
  for (const auto& [key, root] : state.active) {
    for (const auto& [order, call] : root->ready) {
      if (call->blocked_in == state.round || is_at_its_limit(state, *call)) continue;
      state.virtual_time = std::max(state.virtual_time, root->virtual_time);
      return call->queued.first;
    }
  }
  return none;
}

void charge(State& state, Root& root, double nanoseconds) {
  const double time = std::max(0.0, root.virtual_time + nanoseconds / root.weight);
  if (root.is_active) {
    auto entry = state.active.extract({root.virtual_time, root.id});
    entry.key().first = time;
    state.active.insert(std::move(entry));
  }
  root.virtual_time = time;
}

Root& join_root(State& state, PeerId id, PeerId client, std::uint32_t weight) {
  std::unique_ptr<Root>& root = state.roots[id];
  if (root == nullptr) {
    root = std::make_unique<Root>();
    root->id = id;
    root->virtual_time = state.virtual_time;
    root->weight = weight;
  }
  ++root->clients;
  if (id == client) root->weight = weight;
  return *root;
}

void leave_root(State& state, Root& root) {
  if (--root.clients != 0) return;
  set_active(state, root, false);
  const PeerId id = root.id;
  state.roots.erase(id);
}

}  // namespace paracord::cluster::scheduling
