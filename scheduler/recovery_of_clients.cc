// What a client expects is brought together with what is known of it here.

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/membership.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/recovery.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

Fault wrong_hello(const ClientHello& hello) {
  if (hello.weight == 0 || hello.weight > most_weight)
    return "a weight of " + std::to_string(hello.weight) + "; 1 to " + std::to_string(most_weight) +
           " may be";
  if (hello.root == 0) return "no root client; a client that works for itself is its own";
  if (hello.name.size() > most_text || hello.calls.size() > most_calls_of_client ||
      hello.expected.size() > most_batches_in_hello ||
      hello.known_nodes.size() > most_nodes_in_hello)
    return "a hello that is larger than any client's";
  return {};
}

void take_identity(State& state, Client& client, const ClientHello& hello) {
  client.name = hello.name;
  Root& root = join_root(state, hello.root, hello.client, hello.weight);
  leave_root(state, *client.root);
  client.root = &root;
}

// `waits`: this scheduler may be new, and the nodes on their way.
void take_known_nodes(State& state, Client& client, const ClientHello& hello, bool waits) {
  client.knows.clear();
  const auto take = [&](PeerId id) {
    if (const Node* const node = find_node(state, id)) {
      insert(client.knows, node->session.index);
    } else if (waits) {
      client.awaited_nodes.insert(id);
    } else if (!client.awaited_nodes.contains(id)) {
      send(state, client.session, NodeGone{id, "it is not in the cluster any more"});
    }
  };
  for (const PeerId id : hello.known_nodes) take(id);
  for (const ExpectedBatch& expected : hello.expected) {
    if (waits && expected.attempt.counter != 0) take(expected.node);
  }
  if (client.awaited_nodes.empty() || !waits) return;
  client.is_settled = false;
  client.settle_at = state.now + state.options.node_lost_after;
  state.set_alarm(client.settle_at, Alarm::settle, client.session.peer);
}

Fault take_calls(State& state, Client& client, ClientHello& hello) {
  std::unordered_set<CallId> open;
  for (const OpenCall& call : hello.calls) open.insert(call.call);
  std::vector<CallId> closed;
  for (const auto& [id, call] : client.calls) {
    if (!open.contains(id)) closed.push_back(id);
  }
  for (const CallId id : closed) drop_call(state, client, id);
  for (OpenCall& call : hello.calls) {
    if (Fault fault = open_call(state, client, std::move(call)); !fault.empty()) return fault;
  }
  return {};
}

// The batch of a client that had not come yet when its node told of it.
void claim(Client& client, Batch& batch, Call& call, std::uint32_t count) {
  if (batch.call != nullptr) return;
  batch.call = &call;
  batch.count = count;
  if (batch.state != BatchState::running) return;
  call.running_tasks += count;
  ++call.running_batches;
  client.running_tasks += count;
}

void add_unsettled(State& state, Client& client, const ExpectedBatch& expected, Call& call,
                   BatchState as) {
  const std::uint32_t index = add_batch(state, client, expected.batch);
  Batch& batch = state.batch(index);
  batch.state = as;
  batch.call = &call;
  batch.count = expected.count;
  batch.attempt = expected.attempt;
  batch.awaited_node = expected.node;
  push_back(state, client.unsettled, index);
}

// Nothing is known here of a batch that the client expects.
void take_unknown(State& state, Client& client, const ExpectedBatch& expected, Call& call) {
  if (expected.attempt.counter == 0) {
    if (!client.is_settled) add_unsettled(state, client, expected, call, BatchState::uncertain);
  } else if (expected.attempt.epoch != state.epoch &&
             client.awaited_nodes.contains(expected.node)) {
    add_unsettled(state, client, expected, call, BatchState::awaited);
  } else {
    const bool lost = expected.attempt.epoch != state.epoch;
    send(state, client.session, Returned{expected.batch, expected.attempt, 0, lost, {}});
  }
}

using AskedAgain = std::map<std::uint32_t, SendAgain>;

// A batch that is known here. What came of it may have been lost on the way to the client.
void take_known(State& state, Client& client, const ExpectedBatch& expected, std::uint32_t index,
                AskedAgain& again) {
  const Batch& batch = state.batch(index);
  if (batch.state != BatchState::running && batch.state != BatchState::over) return;
  if (batch.attempt != expected.attempt) {
    tell_assigned(state, client, batch);
  } else if (!contains(client.knows, batch.node)) {
    insert(client.knows, batch.node);
    send(state, client.session, NodeJoined{address_of(state.node(batch.node))});
  }
  if (batch.state == BatchState::running && batch.unacknowledged.empty()) return;
  SendAgain& message = again[batch.node];
  message.client = client.session.peer;
  message.batches.push_back({client.session.peer, batch.id, batch.attempt, false});
}

Fault take_expected(State& state, Client& client, const ClientHello& hello) {
  std::unordered_set<std::uint32_t> wanted;
  AskedAgain again;
  for (const ExpectedBatch& expected : hello.expected) {
    const auto call = client.calls.find(expected.call);
    if (call == client.calls.end() || expected.batch == 0 || expected.count == 0 ||
        expected.count > most_tasks_of_batch)
      return "a batch without tasks, or of a call that is not open, in its hello";
    std::uint32_t index = client.batches.find(expected.batch);
    const bool other_attempt = index != none && state.batch(index).call == nullptr &&
                               expected.attempt.counter != 0 &&
                               expected.attempt != state.batch(index).attempt;
    if (other_attempt) {
      abandon_batch(state, index);
      index = none;
    }
    if (index != none) {
      claim(client, state.batch(index), *call->second, expected.count);
      take_known(state, client, expected, index, again);
    } else {
      take_unknown(state, client, expected, *call->second);
      index = client.batches.find(expected.batch);
    }
    wanted.insert(index);
  }
  for (const std::uint32_t index : batches_of(state, client, nullptr)) {
    if (!wanted.contains(index)) abandon_batch(state, index);
  }
  for (auto& [node, message] : again) send(state, state.node(node).session, std::move(message));
  return {};
}

}  // namespace

Fault on_hello(State& state, Client& client, ClientHello& hello) {
  if (Fault fault = wrong_hello(hello); !fault.empty()) return fault;
  const bool is_first = !std::exchange(client.present, true);
  const bool waits = is_first && hello.known_epoch != 0 && hello.known_epoch != state.epoch;
  if (!is_first) ++state.counters.resyncs;
  take_identity(state, client, hello);
  send(state, client.session,
       Welcome{state.epoch, state.options.queue_bytes, state.options.heartbeat.count(),
               state.options.relay, state.options.node_lost_after.count()});
  send(state, client.session, Slots{state.slot_count});
  take_known_nodes(state, client, hello, waits);
  if (Fault fault = take_calls(state, client, hello); !fault.empty()) return fault;
  return take_expected(state, client, hello);
}

void settle(State& state, Client& client) {
  client.is_settled = true;
  for (const PeerId node : std::exchange(client.awaited_nodes, {}))
    send(state, client.session, NodeGone{node, "it has not come back"});
  for (std::uint32_t index = client.unsettled.first; index != none;) {
    const std::uint32_t next = state.batch(index).next;
    Batch& batch = state.batch(index);
    if (batch.state == BatchState::awaited) {
      return_batch(state, index, true);
    } else if (batch.payload != nullptr) {
      remove(state, client.unsettled, index);
      enqueue(state, index);
    }
    index = next;
  }
  return_refused(state);
}

}  // namespace paracord::cluster::scheduling
