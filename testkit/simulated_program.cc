#include "paracord/testkit/simulated_program.h"

#include <algorithm>
#include <utility>

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;

SimProgram::SimProgram(Outside& outside, SimProgramPlan plan)
    : out_(outside), plan_(std::move(plan)), ledger_(plan_.identity) {}

void SimProgram::start() {
  ledger_.connected(out_.world.now());
  for (CallId id = 1; id <= plan_.calls.size(); ++id) open_call(id);
  pump();
}

void SimProgram::open_call(CallId id) {
  Call& call = calls_[id];
  call.plan = plan_.calls[id - 1];
  call.open = {id,
               call.plan.priority,
               static_cast<std::uint32_t>(plan_.depth),
               plan_.parent,
               plan_.parent_node,
               "work",
               encode_tasks({})};
  for (int i = 0; i != call.plan.tasks; ++i) {
    SimTask task;
    task.client = plan_.identity.client;
    task.duration = out_.world.between(call.plan.least_duration, call.plan.most_duration);
    task.depth = plan_.depth;
    task.deepest = call.plan.deepest;
    if (out_.world.chance(call.plan.nested))
      task.nested_tasks =
          1 + static_cast<int>(out_.world.below(static_cast<std::uint64_t>(call.plan.most_nested)));
    call.todo.push_back(out_.book.add(task));
  }
  call.undelivered = call.todo.size();
  ledger_.open_call(call.open);
  if (call.plan.cancel_after != Time::max()) {
    out_.world.after(call.plan.cancel_after, [this, id, lives = lives_] {
      if (*lives && !over_) cancel(id);
    });
  }
}

void SimProgram::submit(CallId id) {
  Call& call = calls_.at(id);
  if (call.is_closed || call.is_inline || !call.is_ready) return;
  while (!call.todo.empty() && call.batches < static_cast<std::size_t>(call.plan.window)) {
    const std::size_t most = std::min<std::size_t>(call.todo.size(), call.plan.most_batch);
    const std::size_t count = 1 + out_.world.below(most);
    Batch batch{id, {}};
    batch.tasks.assign(call.todo.end() - static_cast<std::ptrdiff_t>(count), call.todo.end());
    call.todo.resize(call.todo.size() - count);
    ++call.batches;
    const BatchId number = ++last_batch_;
    ledger_.submit({number, id, static_cast<std::uint32_t>(count), 0,
                    encode_tasks(batch.tasks, {}, call.plan.payload), call.plan.needs});
    batches_.emplace(number, std::move(batch));
  }
  ledger_.to_come(id, call.todo.size());
  wait(id);
}

// A task that makes a call.
void SimProgram::wait(CallId id) {
  if (plan_.parent.counter != 0 && !std::exchange(calls_.at(id).is_waiting, true))
    ledger_.waiting(id, true);
}

// It does something with a result before it waits for the next.
void SimProgram::stop_waiting_for_a_while(CallId id) {
  Call& call = calls_.at(id);
  if (!call.plan.is_read_slowly || call.is_closed || !std::exchange(call.is_waiting, false)) return;
  ledger_.waiting(id, false);
  out_.world.after(out_.world.between(Time(0), milliseconds(3)), [this, id, lives = lives_] {
    if (!*lives || over_ || calls_.at(id).is_closed) return;
    wait(id);
    pump();
  });
}

void SimProgram::cancel(CallId id) {
  Call& call = calls_.at(id);
  if (call.is_closed) return;
  for (const auto& [number, batch] : batches_) {
    if (batch.call != id) continue;
    for (const TaskNumber task : batch.tasks) out_.book.unwanted(task);
  }
  for (const TaskNumber task : call.todo) out_.book.unwanted(task);
  call.todo.clear();
  call.undelivered = 0;
  ledger_.cancel_call(id);
  if (call.batches == 0) close(id);
  pump();
}

void SimProgram::close(CallId id) {
  Call& call = calls_.at(id);
  if (std::exchange(call.is_closed, true)) return;
  if (call.is_waiting) ledger_.waiting(id, false);
  ledger_.close_call(id);
  const bool all = std::all_of(calls_.begin(), calls_.end(),
                               [](const auto& entry) { return entry.second.is_closed; });
  if (!all || calls_.size() != plan_.calls.size()) return;
  // It leaves a little later, so that late results still find it.
  out_.world.after(out_.world.between(Time(0), milliseconds(500)), [this, lives = lives_] {
    if (*lives && !over_) leave();
  });
}

void SimProgram::run_inline(CallId id, std::size_t next) {
  Call& call = calls_.at(id);
  if (call.is_closed) return;
  if (next == call.todo.size()) {
    call.undelivered = 0;
    close(id);
    pump();
    return;
  }
  out_.world.after(out_.book.task(call.todo[next]).duration, [this, id, next, lives = lives_] {
    if (!*lives || over_ || calls_.at(id).is_closed) return;
    out_.book.delivered(calls_.at(id).todo[next]);
    run_inline(id, next + 1);
  });
}

void SimProgram::receive(Packet packet) {
  if (over_) return;
  ledger_.receive(std::move(packet), out_.world.now());
  pump();
}

void SimProgram::reconnect() {
  if (over_) return;
  ledger_.connected(out_.world.now());
  pump();
}

void SimProgram::want_nothing() {
  for (const auto& [id, batch] : batches_) {
    for (const TaskNumber task : batch.tasks) out_.book.unwanted(task);
  }
  for (const auto& [id, call] : calls_) {
    for (const TaskNumber task : call.todo) out_.book.unwanted(task);
  }
}

void SimProgram::end() {
  over_ = true;
  *lives_ = false;
  want_nothing();
  out_.program_ends(id());
}

void SimProgram::kill() {
  if (!over_) end();
}

void SimProgram::leave() {
  if (over_ || std::exchange(is_leaving_, true)) return;
  ledger_.goodbye();
  pump();
  end();
}

bool SimProgram::knew_node_before(PeerId node, Time time) const {
  const auto found = nodes_.find(node);
  return found != nodes_.end() && found->second < time;
}

void SimProgram::pump() {
  if (std::exchange(is_pumping_, true)) return;
  for (bool again = true; again && !over_;) {
    again = false;
    for (const client::Effect& effect : ledger_.take_effects()) {
      std::visit([this](const auto& known) { on(known); }, effect);
      again = true;
    }
    for (Packet& packet : ledger_.take_outgoing()) {
      again = true;
      out_.network.send(
          id(), plan_.machine, SimNetwork::Way::up, std::move(packet),
          [&out = out_, id = id()](Packet arrived) { out.to_scheduler(id, std::move(arrived)); });
    }
  }
  is_pumping_ = false;
  wake();
}

void SimProgram::wake() {
  const Time deadline = std::max(ledger_.next_deadline(), out_.world.now());
  if (over_ || deadline >= wake_at_) return;
  wake_at_ = deadline;
  out_.world.at(deadline, [this, deadline, lives = lives_] {
    if (!*lives || over_ || wake_at_ != deadline) return;
    wake_at_ = Time::max();
    ledger_.tick(out_.world.now());
    pump();
  });
}

std::string SimProgram::describe() const {
  std::string text = "client " + std::to_string(id()) + (ledger_.is_welcome() ? "" : " unwelcome");
  if (plan_.parent.counter != 0)
    text += " in " + to_string(plan_.parent) + " at " + std::to_string(plan_.parent_node);
  for (const auto& [number, call] : calls_) {
    text += "; call " + std::to_string(number) + ": " + std::to_string(call.todo.size()) +
            " to do, " + std::to_string(call.batches) + " batches, " +
            std::to_string(call.undelivered) + " undelivered" +
            (call.is_ready ? "" : ", not answered") + (call.is_waiting ? ", waits" : "") +
            (call.is_inline ? ", inline" : "") + (call.is_closed ? ", closed" : "");
  }
  return text;
}

}  // namespace paracord::testkit
