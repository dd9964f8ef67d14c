#include "paracord/scheduler/membership.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/recovery.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

// By then a socket knows that a connection has ended.
constexpr Time probe_delay = std::chrono::milliseconds(10);

template <class Table>
std::uint32_t free_place(Table& table, std::vector<std::uint32_t>& unused) {
  if (unused.empty()) {
    table.emplace_back();
    return static_cast<std::uint32_t>(table.size() - 1);
  }
  const std::uint32_t index = unused.back();
  unused.pop_back();
  return index;
}

// Nobody is told of it by this index any more, which another node may get.
void forget_index(State& state, std::uint32_t index) {
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    erase(client->knows, index);
    for (const auto& [id, call] : client->calls) erase(call->told, index);
  }
}

Time lost_limit(const State& state, const Session& session) {
  const SchedulerOptions& options = state.options;
  return session.role == Role::node ? options.node_lost_after : options.client_lost_after;
}

Time closed_limit(const State& state, const Session& session) {
  const SchedulerOptions& options = state.options;
  return session.role == Role::node ? options.node_closed_after : options.client_closed_after;
}

}  // namespace

Client& add_client(State& state, PeerId id, PeerId root, std::uint32_t weight) {
  const std::uint32_t index = free_place(state.clients, state.free_clients);
  state.clients[index] = std::make_unique<Client>();
  Client& client = *state.clients[index];
  client.root = &join_root(state, root, id, weight);
  add_peer(state, client.session, id, Role::client, index);
  return client;
}

Node& add_node(State& state, PeerId id) {
  const std::uint32_t index = free_place(state.nodes, state.free_nodes);
  state.nodes[index] = std::make_unique<Node>();
  add_peer(state, state.nodes[index]->session, id, Role::node, index);
  ++state.node_count;
  return *state.nodes[index];
}

void lose_node(State& state, Node& node, const std::string& why) {
  const std::uint32_t index = node.session.index;
  const PeerId id = node.session.peer;
  ++state.counters.nodes_lost;
  while (node.running.first != none) return_batch(state, node.running.first, true);
  while (node.over.first != none) return_batch(state, node.over.first, true);
  for (const auto& client : state.clients) {
    if (client != nullptr && contains(client->knows, index))
      send(state, client->session, NodeGone{id, why});
  }
  forget_index(state, index);
  state.directory.erase_node(index);
  state.loads.set(index, LoadTree::unavailable);
  state.excess -= node.excess;
  set_slots(state, node, 0);
  --state.node_count;
  remove_peer(state, node.session);
  state.nodes[index] = nullptr;
  state.free_nodes.push_back(index);
  return_refused(state);
}

void remove_client(State& state, Client& client) {
  std::vector<bool> concerned = client.knows;
  for (const auto& [id, call] : client.calls) {
    for (std::uint32_t i = 0; i != call->told.size(); ++i) {
      if (call->told[i]) insert(concerned, i);
    }
    call->told.clear();
  }
  for (const std::uint32_t index : batches_of(state, client, nullptr)) {
    if (state.batch(index).node != none) insert(concerned, state.batch(index).node);
    abandon_batch(state, index);
  }
  while (!client.calls.empty()) drop_call(state, client, client.calls.begin()->first);
  for (const auto& node : state.nodes) {
    if (node != nullptr && contains(concerned, node->session.index))
      send(state, node->session, ClientGone{client.session.peer});
  }
  leave_root(state, *client.root);
  remove_peer(state, client.session);
  const std::uint32_t index = client.session.index;
  state.clients[index] = nullptr;
  state.free_clients.push_back(index);
}

void hear(State& state, Session& session) {
  session.last_heard = state.now;
  session.closed_at.reset();
  if (session.role != Role::node) return;
  Node& node = state.node(session.index);
  if (!std::exchange(node.is_suspect, false)) return;
  update_load(state, node);
}

void suspect(State& state, Node& node) {
  if (std::exchange(node.is_suspect, true)) return;
  update_load(state, node);
}

void probe(State& state, Session& session) {
  const Time at = state.now + probe_delay;
  session.last_sent = std::min(session.last_sent, at - state.options.heartbeat);
  if (at < session.check_at) watch(state, session, at);
}

void close_connection(State& state, Session& session) {
  if (session.role == Role::node) suspect(state, state.node(session.index));
  // A connection on which nothing comes is given up in the end, too, while its peer lives.
  const bool by_its_peer = state.now - session.last_heard < state.options.suspect_after &&
                           state.now >= state.closings_count_from;
  if (!by_its_peer || session.closed_at) return;
  session.closed_at = state.now;
  watch(state, session, std::min(session.check_at, state.now + closed_limit(state, session)));
}

void forgive_silence(State& state, Time length) {
  for (const auto& [id, session] : state.peers) {
    session->last_heard = std::min(session->last_heard + length, state.now);
    session->closed_at.reset();
  }
  state.closings_count_from = state.now + state.options.node_lost_after;
}

void set_slots(State& state, Node& node, std::uint32_t slots) {
  state.slot_count += slots;
  state.slot_count -= std::exchange(node.slots, slots);
  if (state.slot_count == state.told_slot_count || std::exchange(state.slots_alarm, true)) return;
  state.set_alarm(state.now + slots_interval, Alarm::slots);
}

void tell_slots(State& state) {
  state.slots_alarm = false;
  if (std::exchange(state.told_slot_count, state.slot_count) == state.slot_count) return;
  for (const auto& client : state.clients) {
    if (client != nullptr) send(state, client->session, Slots{state.slot_count});
  }
}

void check_peer(State& state, Session& session) {
  const SchedulerOptions& options = state.options;
  const bool is_node = session.role == Role::node;
  Time next = session.last_heard + lost_limit(state, session);
  bool is_closed = false;
  if (session.closed_at) {
    const Time end = *session.closed_at + closed_limit(state, session);
    is_closed = end < next;
    next = std::min(next, end);
  }
  if (state.now >= next) {
    if (is_node) {
      lose_node(state, state.node(session.index),
                is_closed ? "its connection was closed" : "nothing was heard from it");
    } else {
      ++state.counters.clients_lost;
      remove_client(state, state.client(session.index));
    }
    return;
  }
  if (is_node) {
    Node& node = state.node(session.index);
    const Time doubted = session.last_heard + options.suspect_after;
    if (state.now >= doubted) suspect(state, node);
    if (!node.is_suspect) next = std::min(next, doubted);
  }
  if (session.number != 0) {
    if (state.now - session.last_sent >= options.heartbeat) send(state, session, Heartbeat{});
    next = std::min(next, session.last_sent + options.heartbeat);
  }
  watch(state, session, next);
}

}  // namespace paracord::cluster::scheduling
