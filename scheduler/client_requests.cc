#include "paracord/scheduler/client_requests.h"

#include <utility>

#include "paracord/scheduler/batches.h"
#include "paracord/scheduler/endings.h"
#include "paracord/scheduler/limits.h"
#include "paracord/scheduler/nesting.h"
#include "paracord/scheduler/placement.h"
#include "paracord/scheduler/queue.h"
#include "paracord/scheduler/sessions.h"

namespace paracord::cluster::scheduling {

namespace {

Call* find_call(Client& client, CallId id) {
  const auto found = client.calls.find(id);
  return found == client.calls.end() ? nullptr : found->second.get();
}

void answer(State& state, Client& client, Call& call) {
  if (state.node_count == 0) return;
  call.owes_answer = false;
  if (!std::exchange(call.answered, true)) {
    call.run_inline = must_run_inline(state, call);
    if (!call.run_inline) begin_nested(state, call);
  }
  send(state, client.session, CallOpened{call.open.call, call.run_inline, state.slot_count});
}

Fault wrong_submit(const Submit& message) {
  if (message.batch == 0 || message.payload == nullptr)
    return "a batch needs an id from 1, and a payload";
  if (message.count == 0 || message.count > most_tasks_of_batch)
    return "a batch of " + std::to_string(message.count) + " tasks; 1 to " +
           std::to_string(most_tasks_of_batch) + " may be in one";
  if (message.label.size() > most_text)
    return "a label of " + std::to_string(message.label.size()) + " bytes; " +
           std::to_string(most_text) + " may be";
  if (message.needs.size() > most_needs_of_batch)
    return "a batch that needs " + std::to_string(message.needs.size()) + " objects; at most " +
           std::to_string(most_needs_of_batch) + " may be needed";
  return {};
}

// Under a new label, what is known of the function holds for the call.
void label(State& state, Call& call) {
  call.function = &state.history.function(call.open.label);
  if (call.cost_per_task == 0 && !call.open.label.empty()) call.cost_per_task = call.function->cost;
}

// It was there before: sent again behind a hello. What the client does not know was told by the
// answer to the hello.
void submit_again(State& state, Client& client, Batch& batch, Submit& message) {
  if (batch.state != BatchState::uncertain || batch.payload != nullptr) return;
  batch.payload = std::move(message.payload);
  batch.needs = std::move(message.needs);
  batch.losses = message.losses;
  if (!client.is_settled) return;
  const std::uint32_t index = client.batches.find(batch.id);
  remove(state, client.unsettled, index);
  enqueue(state, index);
  return_refused(state, *batch.call);
}

}  // namespace

Fault open_call(State& state, Client& client, OpenCall&& open) {
  if (open.call == 0 || open.setup == nullptr) return "a call needs an id from 1, and a setup";
  if (open.label.size() > most_text)
    return "a label of " + std::to_string(open.label.size()) + " bytes; " +
           std::to_string(most_text) + " may be";
  if (Call* const known = find_call(client, open.call)) {
    known->owes_answer = true;
    answer(state, client, *known);
    return {};
  }
  if (client.calls.size() >= most_calls_of_client)
    return "more than " + std::to_string(most_calls_of_client) + " open calls; close some";
  auto call = std::make_unique<Call>();
  call->client = client.session.index;
  call->open = std::move(open);
  label(state, *call);
  Call& opened = *client.calls.emplace(call->open.call, std::move(call)).first->second;
  answer(state, client, opened);
  return {};
}

void answer_calls(State& state) {
  for (const auto& client : state.clients) {
    if (client == nullptr) continue;
    for (const auto& [id, call] : client->calls) {
      if (call->owes_answer) answer(state, *client, *call);
    }
  }
}

Fault on(State& state, Client& client, OpenCall& message) {
  return open_call(state, client, std::move(message));
}

Fault on(State& state, Client& client, Submit& message) {
  if (Fault fault = wrong_submit(message); !fault.empty()) return fault;
  if (const std::uint32_t known = client.batches.find(message.batch); known != none) {
    submit_again(state, client, state.batch(known), message);
    return {};
  }
  Call* const call = find_call(client, message.call);
  if (call == nullptr)
    return "a batch of call " + std::to_string(message.call) + ", which is not open";
  if (!message.label.empty() && call->open.label.empty()) {
    call->open.label = std::move(message.label);
    label(state, *call);
  }
  const std::uint64_t bytes = message.payload->size() + batch_overhead;
  if (client.queued_bytes != 0 &&
      client.queued_bytes + bytes > queue_excess * state.options.queue_bytes)
    return "more than twice the " + std::to_string(state.options.queue_bytes) +
           " bytes that may be queued; wait for assignments";
  const std::uint32_t index = add_batch(state, client, message.batch);
  Batch& batch = state.batch(index);
  batch.count = message.count;
  batch.losses = message.losses;
  batch.payload = std::move(message.payload);
  batch.needs = std::move(message.needs);
  batch.call = call;
  enqueue(state, index);
  return_refused(state, *call);
  return {};
}

Fault on(State& state, Client& client, const CancelCall& message) {
  Call* const call = find_call(client, message.call);
  if (call == nullptr) return {};
  for (const std::uint32_t index : batches_of(state, client, call)) {
    const Batch& batch = state.batch(index);
    send(state, client.session, Returned{batch.id, batch.attempt, 0, false, {}});
    abandon_batch(state, index);
  }
  call->to_come = 0;
  return {};
}

Fault on(State& state, Client& client, const CloseCall& message) {
  drop_call(state, client, message.call);
  return {};
}

// Goes on to the node also where the attempt is not known here, so that the node lets go of it.
Fault on(State& state, Client& client, const Acknowledge& message) {
  if (message.tasks.size() > most_tasks_of_batch) return "too many tasks acknowledged at once";
  const std::uint32_t index = find_attempt(state, message.attempt);
  if (index != none && state.batch(index).client == client.session.index) {
    Batch& batch = state.batch(index);
    for (const std::uint32_t task : message.tasks) batch.unacknowledged.erase(task);
    if (batch.node != none) send(state, state.node(batch.node).session, message);
    forget_if_settled(state, index);
  } else if (Node* const node = find_node(state, message.node); node != nullptr && index == none) {
    send(state, node->session, message);
  }
  return {};
}

Fault on(State& state, Client& client, const Waiting& message) {
  if (Call* const call = find_call(client, message.call)) set_waiting(state, *call, message.begins);
  return {};
}

Fault on(State&, Client& client, const ToCome& message) {
  if (Call* const call = find_call(client, message.call)) call->to_come = message.tasks;
  return {};
}

}  // namespace paracord::cluster::scheduling
