// What a node holds is brought together with what is known of it here.

#include <set>
#include <utility>

#include "paracord/scheduler/balance.h"
#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/membership.h"
#include "paracord/scheduler/nesting.h"
#include "paracord/scheduler/node_reports.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/recovery.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

Fault wrong_hello(const NodeHello& hello) {
  if (hello.slots == 0 || hello.slots > most_slots_of_node)
    return std::to_string(hello.slots) + " slots; 1 to " + std::to_string(most_slots_of_node) +
           " may be";
  if (hello.most_parked > most_slots_of_node || hello.name.size() > most_text ||
      hello.data_address.size() > most_text || hello.data_key.size() > most_text ||
      hello.held.size() > most_batches_in_hello || hello.objects.size() > most_objects_of_node)
    return "a hello that is larger than any node's";
  return {};
}

void take_identity(State& state, Node& node, NodeHello& hello) {
  node.name = std::move(hello.name);
  node.data_address = std::move(hello.data_address);
  node.data_key = std::move(hello.data_key);
  node.most_parked = hello.most_parked;
  node.is_draining = hello.draining;
  if (hello.known_epoch != 0 && hello.known_epoch != state.epoch)
    node.waiters_known_at = state.now + state.options.node_lost_after;
  set_slots(state, node, hello.slots);
}

// Which calls go on. The node ends the others.
void tell_calls_again(State& state, Node& node) {
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    for (const auto& [id, call] : client->calls) {
      if (contains(call->told, node.session.index))
        send(state, node.session, NodeCall{client->session.peer, client->root->id, call->open});
    }
  }
}

// What this scheduler thought to be there, and is not: it never arrived.
void return_missing(State& state, Node& node, const NodeHello& hello) {
  std::set<Attempt> held;
  for (const HeldBatch& batch : hello.held) held.insert(batch.attempt);
  for (const BatchList* list : {&node.running, &node.over}) {
    for (std::uint32_t index = list->first; index != none;) {
      const std::uint32_t next = state.batch(index).next;
      if (!held.contains(state.batch(index).attempt)) return_batch(state, index, false);
      index = next;
    }
  }
}

void adopt(State& state, Node& node, std::uint32_t index, const Attempt& attempt) {
  state.batch(index).payload = nullptr;
  state.batch(index).needs = {};
  adopt_attempt(state, index, attempt);
  begin_running(state, index, node.session.index);
}

// Its client waits for it, or will say whether it does.
bool take_wanted(State& state, Node& node, const HeldBatch& held) {
  Client* client = find_client(state, held.client);
  if (client == nullptr) client = &add_client(state, held.client, held.client, 1);
  std::uint32_t index = client->batches.find(held.batch);
  if (index == none) {
    if (client->present) return false;
    index = add_batch(state, *client, held.batch);
    adopt(state, node, index, held.attempt);
    return true;
  }
  const Batch& batch = state.batch(index);
  const bool is_awaited = batch.state == BatchState::awaited && batch.attempt == held.attempt;
  if (batch.state == BatchState::uncertain || is_awaited) {
    remove(state, client->unsettled, index);
  } else if (batch.state == BatchState::queued) {
    dequeue(state, index);
  } else {
    return false;
  }
  adopt(state, node, index, held.attempt);
  if (!is_awaited) tell_assigned(state, *client, batch);
  return true;
}

void take_held(State& state, Node& node, const HeldBatch& held) {
  const std::uint32_t index = find_attempt(state, held.attempt);
  const bool is_known_here = index != none && state.batch(index).node == node.session.index;
  if (is_known_here) {
    // What was said of it meanwhile may have been lost.
    state.batch(index).retracted = false;
    if (state.batch(index).client == none) send(state, node.session, CancelAttempt{held.attempt});
  } else if (!take_wanted(state, node, held)) {
    send(state, node.session, CancelAttempt{held.attempt});
  }
}

void take_objects(State& state, Node& node, const NodeHello& hello) {
  state.directory.erase_node(node.session.index);
  node.objects = node.object_bytes = 0;
  node.fetching.clear();
  for (const ObjectId& object : hello.objects) {
    if (!state.directory.complete(object, node.session.index)) continue;
    ++node.objects;
    node.object_bytes += object.bytes;
  }
}

// Clients that waited for it know now.
void tell_who_waited(State& state, const Node& node) {
  for (const auto& client : state.clients) {
    if (client == nullptr || client->awaited_nodes.erase(node.session.peer) == 0) continue;
    insert(client->knows, node.session.index);
    for (std::uint32_t index = client->unsettled.first; index != none;) {
      const std::uint32_t next = state.batch(index).next;
      const Batch& batch = state.batch(index);
      if (batch.state == BatchState::awaited && batch.awaited_node == node.session.peer)
        return_batch(state, index, true);
      index = next;
    }
    if (client->awaited_nodes.empty()) settle(state, *client);
  }
}

}  // namespace

Fault on_hello(State& state, Node& node, NodeHello& hello) {
  if (Fault fault = wrong_hello(hello); !fault.empty()) return fault;
  if (node.slots != 0) ++state.counters.resyncs;
  take_identity(state, node, hello);
  send(state, node.session,
       Welcome{state.epoch, 0, state.options.heartbeat.count(), state.options.relay,
               state.options.node_lost_after.count()});
  tell_calls_again(state, node);
  return_missing(state, node, hello);
  for (const HeldBatch& held : hello.held) take_held(state, node, held);
  take_objects(state, node, hello);
  restore_waiters(state, node);
  tell_who_waited(state, node);
  update_load(state, node);
  if (node.is_draining) {
    retract_all(state, node);
    return_refused(state);
  }
  answer_calls(state);
  return {};
}

}  // namespace paracord::cluster::scheduling
