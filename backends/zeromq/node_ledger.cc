#include "paracord/backends/zeromq/node_ledger.h"

#include <utility>

#include "paracord/backends/zeromq/node_batches.h"

namespace paracord::cluster {

namespace {

constexpr Time output_interval = std::chrono::seconds(1);
constexpr std::size_t most_output = std::size_t{1} << 20;
constexpr std::size_t most_failures = 32;  // functions that have any, in one report
constexpr std::size_t longest_failure = 1024;

}  // namespace

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
  state_->now = now;
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

void NodeLedger::print(TaskOutput output) {
  State& state = *state_;
  if (state.now - state.output_since >= output_interval) {
    state.output_since = state.now;
    state.output_bytes = 0;
    if (state.output_left_out != 0)
      output.text.insert(0, "(" + std::to_string(std::exchange(state.output_left_out, 0)) +
                                " bytes of output were left out)\n");
  }
  if (!state.link.is_welcome() || state.output_bytes + output.text.size() > most_output) {
    state.output_left_out += output.text.size();
    return;
  }
  state.output_bytes += output.text.size();
  state.link.say(std::move(output));
}

void NodeLedger::failed(PeerId client, const std::string& function, std::string text) {
  auto& failures = state_->failures;
  if (text.size() > longest_failure) text.resize(longest_failure);
  for (NodeReport::Failure& known : failures) {
    if (known.client != client || known.function != function) continue;
    ++known.count;
    known.text = std::move(text);
    return;
  }
  if (failures.size() < most_failures) failures.push_back({client, function, 1, std::move(text)});
}

void NodeLedger::report(NodeReport report) {
  if (!state_->link.is_welcome()) return;
  report.failures = std::exchange(state_->failures, {});
  state_->link.say(std::move(report));
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
