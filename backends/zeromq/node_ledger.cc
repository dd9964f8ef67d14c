#include "paracord/backends/zeromq/node_ledger.h"

#include <utility>

#include "paracord/backends/zeromq/node_batches.h"

namespace paracord::cluster {

NodeLedger::NodeLedger(NodeHello about) : state_(std::make_unique<State>(std::move(about))) {}

NodeLedger::~NodeLedger() = default;

void NodeLedger::connected(Time now) {
  state_->link.connected(now);
}

void NodeLedger::receive(Packet packet, Time now) {
  std::vector<Message> messages = state_->link.receive(std::move(packet), now);
  const bool begins = !messages.empty() && std::holds_alternative<Welcome>(messages.front());
  if (begins) state_->end_what_is_not_lent(messages);
  for (Message& message : messages) state_->act_on(message);
  if (begins) state_->end_what_was_not_confirmed();
}

void NodeLedger::tick(Time now) {
  state_->link.tick(now);
}

Time NodeLedger::next_deadline() const {
  return state_->link.next_deadline();
}

void NodeLedger::tasks_done(const Attempt& attempt, std::vector<std::uint32_t> tasks,
                            Bytes payload) {
  const auto found = state_->batches.find(attempt);
  if (found == state_->batches.end() || tasks.empty()) return;
  NodeBatch& batch = found->second;
  if (batch.cancelled) {
    for (const std::uint32_t task : tasks) state_->effects.push_back(node::Release{attempt, task});
    return;
  }
  const std::uint32_t order = batch.next_kept++;
  for (const std::uint32_t task : tasks) {
    batch.unacknowledged.insert(task);
    batch.done.insert(task);
    if (batch.kept_of.size() <= task) batch.kept_of.resize(std::size_t{task} + 1);
    batch.kept_of[task] = order;
  }
  state_->held_bytes += payload->size();
  const std::size_t count = tasks.size();
  const KeptResults& kept =
      batch.kept.insert({order, {std::move(tasks), count, std::move(payload)}}).first->second;
  state_->say_results(attempt, batch, kept);
}

void NodeLedger::batch_over(const Attempt& attempt, std::uint32_t next,
                            std::int64_t ran_nanoseconds, std::string refusal) {
  const auto found = state_->batches.find(attempt);
  if (found == state_->batches.end() || found->second.over) return;
  NodeBatch& batch = found->second;
  batch.over = true;
  batch.next = 0;
  while (batch.next != next && batch.done.contains(batch.next)) ++batch.next;
  batch.ran_nanoseconds = ran_nanoseconds;
  batch.refusal = std::move(refusal);
  state_->end_lent(attempt);
  state_->say_over(attempt, batch);
  state_->forget_if_done(attempt);
}

void NodeLedger::have(std::vector<ObjectId> objects) {
  state_->objects.insert(objects.begin(), objects.end());
  state_->link.say(HaveObjects{std::move(objects)});
}

void NodeLedger::drop(std::vector<ObjectId> objects) {
  for (const ObjectId& object : objects) state_->objects.erase(object);
  state_->link.say(DropObjects{std::move(objects)});
}

void NodeLedger::drain() {
  if (std::exchange(state_->about.draining, true)) return;
  state_->link.say(Drain{});
}

bool NodeLedger::is_empty() const {
  return state_->batches.empty();
}

std::uint64_t NodeLedger::held_bytes() const {
  return state_->held_bytes;
}

void NodeLedger::goodbye() {
  state_->link.goodbye();
}

std::vector<node::Effect> NodeLedger::take_effects() {
  return std::exchange(state_->effects, {});
}

std::vector<Packet> NodeLedger::take_outgoing() {
  if (state_->link.hello_is_due()) state_->say_hello();
  return state_->link.take_outgoing();
}

bool NodeLedger::is_welcome() const {
  return state_->link.is_welcome();
}

}  // namespace paracord::cluster
