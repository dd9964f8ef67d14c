#include "paracord/scheduler/node_reports.h"

#include <algorithm>
#include <utility>

#include "paracord/scheduler/balance.h"
#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

// The batch of an attempt that this node has, as far as is known here.
std::uint32_t find_at(const State& state, const Node& node, const Attempt& attempt) {
  const std::uint32_t index = find_attempt(state, attempt);
  if (index == none) return none;
  const Batch& batch = state.batches[index];
  const bool is_at_node = batch.state == BatchState::running || batch.state == BatchState::over;
  return is_at_node && batch.node == node.session.index ? index : none;
}

// What it took is charged in place of what was expected.
void account(State& state, Batch& batch, const BatchOver& message) {
  if (batch.call == nullptr || batch.state != BatchState::running) return;
  Client& client = state.client(batch.client);
  const auto took = static_cast<double>(std::max<std::int64_t>(0, message.ran_nanoseconds));
  charge(state, *client.root, took - batch.cost);
  client.slot_nanoseconds += took;
  const std::uint32_t ran = std::min(message.next, batch.count);
  client.done_tasks += ran;
  state.counters.tasks_done += ran;
  state.counters.tasks_returned += batch.count - ran;
  if (ran == 0) return;
  learn_cost(state, *batch.call, took / ran);
  FunctionRecord& function = *batch.call->function;
  function.tasks += ran;
  function.nanoseconds += took;
  state.history.ended({&function, state.node(batch.node).session.peer, ran, state.now,
                       static_cast<std::int64_t>(took)});
}

// Elsewhere, if there is a node that has not refused such tasks.
void refuse_tasks(State& state, Node& node, std::uint32_t index, const BatchOver& message) {
  Call* const call = state.batch(index).call;
  if (call == nullptr) return return_batch(state, index, false, message.refusal);
  if (!refuses(node, *call)) call->refused_by.push_back(node.session.peer);
  call->refusal = message.refusal;
  return_batch(state, index, false, is_refused_by_all(state, *call) ? call->refusal : "");
  return_refused(state, *call);
}

}  // namespace

// Of an attempt that nobody knows: its client was told that it came to nothing.
Fault on(State& state, Node& node, Results& message) {
  if (message.payload == nullptr || message.tasks.size() > most_tasks_of_batch)
    return "results without a payload, or of too many tasks";
  const std::uint32_t index = find_at(state, node, message.attempt);
  if (index == none) return {};
  Batch& batch = state.batch(index);
  if (batch.client == none) return {};
  Client& client = state.client(batch.client);
  for (const std::uint32_t task : message.tasks) {
    if (task >= most_tasks_of_batch || (client.present && task >= batch.count))
      return "a result of task " + std::to_string(task) + " of a batch of " +
             std::to_string(batch.count);
    batch.unacknowledged.insert(task);
  }
  message.batch = batch.id;
  message.client = client.session.peer;
  message.node = node.session.peer;
  send(state, client.session, std::move(message));
  return {};
}

Fault on(State& state, Node& node, const BatchOver& message) {
  const std::uint32_t index = find_at(state, node, message.attempt);
  if (index == none) {
    // Asked for by SendAgain, when the attempt had gone here as well.
    Client* const client = find_client(state, message.client);
    if (client != nullptr) send(state, client->session, message);
    return {};
  }
  Batch& batch = state.batch(index);
  if (batch.client != none && message.batch != batch.id)
    return "an attempt of another batch than the one that was assigned";
  account(state, batch, message);
  if (!message.refusal.empty() && batch.client != none) {
    refuse_tasks(state, node, index, message);
    return {};
  }
  if (batch.client != none) send(state, state.client(batch.client).session, message);
  end_batch(state, index);
  forget_if_settled(state, index);
  return {};
}

Fault on(State& state, Node& node, const HaveObjects& message) {
  if (node.objects + message.objects.size() > most_objects_of_node)
    return "more than " + std::to_string(most_objects_of_node) + " objects";
  for (const ObjectId& object : message.objects) {
    if (!state.directory.complete(object, node.session.index)) continue;
    ++node.objects;
    node.object_bytes += object.bytes;
  }
  return {};
}

Fault on(State& state, Node& node, const DropObjects& message) {
  for (const ObjectId& object : message.objects) {
    if (!state.directory.erase(object, node.session.index)) continue;
    --node.objects;
    node.object_bytes -= object.bytes;
  }
  return {};
}

// Goes on to the client, if it is there.
Fault on(State& state, Node& node, TaskOutput& message) {
  if (message.text.size() > most_output || message.host.size() > most_text)
    return "output of " + std::to_string(message.text.size()) + " bytes at once; " +
           std::to_string(most_output) + " may be";
  message.host = node.name;
  Client* const client = find_client(state, message.client);
  if (client != nullptr) send(state, client->session, std::move(message));
  return {};
}

Fault on(State& state, Node& node, NodeReport& message) {
  if (message.failures.size() > most_failures_of_report)
    return "a report of more than " + std::to_string(most_failures_of_report) + " failures";
  for (NodeReport::Failure& failure : message.failures) {
    if (failure.text.size() > most_text || failure.function.size() > most_text)
      return "the text of a failure is too long";
    FunctionRecord& function = state.history.function(failure.function);
    function.failed += failure.count;
    state.counters.tasks_failed += failure.count;
    const Client* const client = find_client(state, failure.client);
    state.history.failed({function.name, client != nullptr ? client->name : "", node.name,
                          std::move(failure.text), failure.count, state.now});
  }
  message.failures.clear();
  node.report = std::move(message);
  return {};
}

Fault on(State& state, Node& node, const Drain&) {
  drain(state, node);
  return {};
}

void drain(State& state, Node& node) {
  node.is_draining = true;
  retract_all(state, node);
  update_load(state, node);
  return_refused(state);
}

}  // namespace paracord::cluster::scheduling
