#include "paracord/scheduler/placement.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/nesting.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/sessions.h"
#include "paracord/scheduler/sources.h"

namespace paracord::cluster::scheduling {

namespace {

// Of a batch whose cost nobody knows: no more of these than the least may wait at a node.
constexpr double unknown_credit = 1e9;

double credit_cost(const Batch& batch) {
  return batch.cost_is_known ? batch.cost : unknown_credit;
}

bool has_credit(const State& state, const Node& node, std::uint32_t usable, std::uint32_t active) {
  if (active < 2 * usable) return true;
  if (active >= usable * (1 + most_extra_per_slot)) return false;
  const double waiting = node.queued_cost * (active - usable) / active;
  return waiting <= static_cast<double>(state.options.prefetch.count()) * usable;
}

// Rare: some nodes cannot run such tasks.
std::uint32_t least_loaded_of_willing(const State& state, const Call& call) {
  std::uint32_t best = none, least = LoadTree::unavailable;
  for (const auto& node : state.nodes) {
    if (node == nullptr || refuses(*node, call)) continue;
    const std::uint32_t load = state.loads.load_of(node->session.index);
    if (load >= least) continue;
    least = load;
    best = node->session.index;
  }
  return best;
}

std::uint64_t bytes_there(const State& state, const Batch& batch, std::uint32_t node) {
  std::uint64_t bytes = 0;
  for (const ObjectId& need : batch.needs) {
    if (state.directory.find(need, node) != nullptr) bytes += need.bytes;
  }
  return bytes;
}

// Of an object that very many nodes hold, some are looked at, others each time.
std::uint32_t nearest_to_data(State& state, const Batch& batch, std::uint32_t least_loaded) {
  std::uint32_t best = least_loaded;
  std::uint64_t most = bytes_there(state, batch, least_loaded);
  for (const ObjectId& need : batch.needs) {
    const auto& holders = state.directory.holders(need);
    const std::size_t count = std::min(holders.size(), holders_examined);
    const std::size_t start = holders.size() > count ? state.order % holders.size() : 0;
    for (std::size_t i = 0; i != count; ++i) {
      const std::uint32_t node = holders[(start + i) % holders.size()].node;
      const std::uint32_t load = state.loads.load_of(node);
      if (load == LoadTree::unavailable || refuses(state.node(node), *batch.call)) continue;
      const std::uint64_t bytes = bytes_there(state, batch, node);
      if (bytes < most || (bytes == most && load >= state.loads.load_of(best))) continue;
      best = node;
      most = bytes;
    }
  }
  return best;
}

std::uint32_t choose_node(State& state, const Batch& batch) {
  const std::uint32_t least = batch.call->refused_by.empty()
                                  ? state.loads.least()
                                  : least_loaded_of_willing(state, *batch.call);
  return least == none || batch.needs.empty() ? least : nearest_to_data(state, batch, least);
}

// The node hears of the call before its first batch.
void tell_call(State& state, Node& node, const Client& client, Call& call) {
  if (contains(call.told, node.session.index)) return;
  insert(call.told, node.session.index);
  send(state, node.session, NodeCall{client.session.peer, client.root->id, call.open});
}

void assign(State& state, std::uint32_t index, std::uint32_t chosen) {
  dequeue(state, index);
  Batch& batch = state.batch(index);
  Call& call = *batch.call;
  state.history.waited(state.now - batch.since);
  Client& client = state.client(batch.client);
  Node& node = state.node(chosen);
  tell_call(state, node, client, call);
  batch.attempt = next_attempt(state, index);
  Assign message;
  message.client = client.session.peer;
  message.attempt = batch.attempt;
  message.sources = sources_for(state, batch, node);
  message.batch = {batch.id,
                   call.open.call,
                   batch.count,
                   batch.losses,
                   std::move(batch.payload),
                   std::move(batch.needs),
                   {}};
  send(state, node.session, std::move(message));
  batch.payload = nullptr;
  batch.needs = {};
  begin_running(state, index, chosen);
  tell_assigned(state, client, batch);
  ++state.counters.tasks_assigned;
}

}  // namespace

bool refuses(const Node& node, const Call& call) {
  return !call.refused_by.empty() && std::find(call.refused_by.begin(), call.refused_by.end(),
                                               node.session.peer) != call.refused_by.end();
}

bool is_refused_by_all(const State& state, const Call& call) {
  if (call.refused_by.empty() || state.node_count == 0) return false;
  return std::none_of(state.nodes.begin(), state.nodes.end(), [&](const auto& node) {
    return node != nullptr && !node->is_draining && !refuses(*node, call);
  });
}

void return_refused(State& state, Call& call) {
  if (call.queued.first == none || !is_refused_by_all(state, call)) return;
  while (call.queued.first != none) return_batch(state, call.queued.first, false, call.refusal);
}

void return_refused(State& state) {
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    for (const auto& [id, call] : client->calls) return_refused(state, *call);
  }
}

std::uint32_t usable_slots(const Node& node) {
  const std::uint32_t all = node.slots + node.lent;
  return all > node.waiting ? all - node.waiting : 0;
}

std::uint32_t active_batches(const Node& node) {
  const auto all = static_cast<std::uint32_t>(node.running.size);
  return all > node.waiting ? all - node.waiting : 0;
}

void update_load(State& state, Node& node) {
  constexpr std::uint32_t scale = 4096;
  const std::uint32_t usable = usable_slots(node), active = active_batches(node);
  const std::uint32_t excess = active > usable ? active - usable : 0;
  state.excess += excess;
  state.excess -= std::exchange(node.excess, excess);
  const bool available = !node.is_suspect && !node.is_draining && usable != 0 &&
                         has_credit(state, node, usable, active);
  state.loads.set(node.session.index,
                  available
                      ? static_cast<std::uint32_t>(std::min<std::uint64_t>(
                            std::uint64_t{active} * scale / usable, LoadTree::unavailable - 1))
                      : LoadTree::unavailable);
}

NodeAddress address_of(const Node& node) {
  return {node.session.peer, node.name, node.data_address, node.data_key};
}

void tell_assigned(State& state, Client& client, const Batch& batch) {
  const Node& node = state.node(batch.node);
  if (!contains(client.knows, batch.node)) {
    insert(client.knows, batch.node);
    send(state, client.session, NodeJoined{address_of(node)});
  }
  send(state, client.session, Assigned{batch.id, batch.attempt, node.session.peer});
}

void begin_running(State& state, std::uint32_t index, std::uint32_t chosen) {
  Batch& batch = state.batch(index);
  Node& node = state.node(chosen);
  batch.state = BatchState::running;
  batch.node = chosen;
  batch.since = state.now;
  push_back(state, node.running, index);
  if (batch.call != nullptr) {
    Client& client = state.client(batch.client);
    batch.cost_is_known = batch.call->cost_per_task > 0;
    batch.cost = cost_of_task(state, *batch.call) * batch.count;
    batch.call->running_tasks += batch.count;
    ++batch.call->running_batches;
    client.running_tasks += batch.count;
    charge(state, *client.root, batch.cost);
  }
  node.queued_cost += credit_cost(batch);
  update_load(state, node);
}

void end_running(State& state, std::uint32_t index) {
  Batch& batch = state.batch(index);
  Node& node = state.node(batch.node);
  remove(state, node.running, index);
  node.queued_cost =
      node.running.size == 0 ? 0 : std::max(0.0, node.queued_cost - credit_cost(batch));
  if (batch.call != nullptr) {
    batch.call->running_tasks -= batch.count;
    --batch.call->running_batches;
    state.client(batch.client).running_tasks -= batch.count;
  }
  if (node.running.size == 0) forget_fetches(state, node);
  update_load(state, node);
}

void assign_queued(State& state) {
  ++state.round;
  if (state.queued_batches != 0 && state.loads.least() == none) lend_in_need(state, nullptr);
  while (state.queued_batches != 0 && state.loads.least() != none) {
    const std::uint32_t index = next_queued(state);
    if (index == none) return;
    const Batch& batch = state.batch(index);
    std::uint32_t node = choose_node(state, batch);
    if (node == none && lend_in_need(state, batch.call)) node = choose_node(state, batch);
    if (node == none) {
      batch.call->blocked_in = state.round;
    } else {
      assign(state, index, node);
    }
  }
}

}  // namespace paracord::cluster::scheduling
