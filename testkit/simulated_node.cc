#include "paracord/testkit/simulated_node.h"

#include <algorithm>
#include <utility>

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;

SimNode::SimNode(Outside& outside, const NodeHello& about)
    : out_(outside),
      about_(about),
      ledger_(about),
      workers_({outside.world, lives_,
                [this](const Attempt& attempt, std::uint32_t task, std::uint64_t worker) {
                  begin_task(attempt, task, worker);
                },
                [this](const Attempt& attempt) { end_job(attempt); }},
               about) {}

void SimNode::start() {
  ledger_.connected(out_.world.now());
  pump();
}

void SimNode::receive(Packet packet) {
  if (!*lives_) return;
  ledger_.receive(std::move(packet), out_.world.now());
  pump();
}

void SimNode::reconnect() {
  if (!*lives_) return;
  ledger_.connected(out_.world.now());
  pump();
}

void SimNode::kill() {
  if (!std::exchange(*lives_, false)) return;
  for (const auto& [program, caller] : std::exchange(programs_, {}))
    out_.end_program(program, false);
}

void SimNode::drain() {
  if (!*lives_ || std::exchange(is_draining_, true)) return;
  ledger_.drain();
  for (const auto& [attempt, job] : jobs_) workers_.give_back(attempt);
  pump();
}

void SimNode::begin_task(const Attempt& attempt, std::uint32_t task, std::uint64_t worker) {
  Job& job = jobs_.at(attempt);
  if (!job.began) job.began = out_.world.now();
  out_.book.begins(job.tasks[task], id(), attempt, job.assigned);
  const SimTask& what = out_.book.task(job.tasks[task]);
  const Caller caller{attempt, task, worker};
  if (what.nested_tasks != 0) {
    start_nested(job, what, caller);
    return;
  }
  out_.world.after(what.duration, [this, caller, lives = lives_] {
    if (*lives) task_ended(caller);
  });
}

void SimNode::start_nested(const Job& job, const SimTask& task, const Caller& caller) {
  SimProgramPlan plan;
  plan.machine = id();
  plan.identity.client = 0;  // a new one
  plan.identity.root = calls_.at({job.assign.client, job.assign.batch.call}).root;
  plan.identity.name = "nested";
  plan.parent = job.assign.attempt;
  plan.parent_node = id();
  plan.depth = task.depth + 1;
  SimCallPlan call;
  call.tasks = task.nested_tasks;
  call.most_batch = 2;
  call.least_duration = task.duration / 8;
  call.most_duration = task.duration / 2;
  call.nested = plan.depth < task.deepest ? 0.3 : 0;
  call.deepest = task.deepest;
  call.is_read_slowly = out_.world.chance(0.3);
  plan.calls.push_back(call);
  programs_[out_.start_program(std::move(plan))] = caller;
}

void SimNode::program_ended(PeerId program) {
  const auto found = programs_.extract(program);
  if (!found.empty() && *lives_) task_ended(found.mapped());
}

// Unless its worker was killed meanwhile.
void SimNode::task_ended(const Caller& caller) {
  if (!workers_.runs(caller.worker, caller.attempt, caller.task)) return;
  Job& job = jobs_.at(caller.attempt);
  const TaskNumber number = job.tasks[caller.task];
  out_.book.ends(number, id(), caller.attempt, job.assigned);
  held_[{caller.attempt, caller.task}] = number;
  job.unreported.push_back(caller.task);
  job.done[caller.task] = true;
  if (out_.world.chance(0.5)) report(job);
  workers_.task_ended(caller.worker);
  pump();
}

// In the order in which they ran, with what shows whose results they are.
void SimNode::report(Job& job) {
  if (job.unreported.empty()) return;
  std::vector<TaskNumber> numbers;
  for (const std::uint32_t task : job.unreported) numbers.push_back(job.tasks[task]);
  ledger_.tasks_done(job.assign.attempt, std::exchange(job.unreported, {}),
                     encode_tasks(numbers, job.assign.attempt));
}

void SimNode::end_job(const Attempt& attempt) {
  Job& job = jobs_.at(attempt);
  report(job);
  const Time ran = job.began ? out_.world.now() - *job.began : Time(0);
  const auto next = std::find(job.done.begin(), job.done.end(), false) - job.done.begin();
  ledger_.batch_over(attempt, static_cast<std::uint32_t>(next), ran.count());
  jobs_.erase(attempt);
  pump();
}

void SimNode::on(const node::OpenCall& effect) {
  if (!calls_.emplace(std::pair{effect.call.client, effect.call.call.call}, effect.call).second)
    out_.world.fail("a node was told of a call twice");
}

void SimNode::on(const node::EndCall& effect) {
  if (calls_.erase({effect.client, effect.call}) == 0)
    out_.world.fail("a node was told of the end of a call that it does not know");
}

void SimNode::on(const node::Run& effect) {
  const Assign& assign = effect.assign;
  const std::pair call{assign.client, assign.batch.call};
  if (!calls_.contains(call)) {
    out_.world.fail("a batch came before its call");
    return;
  }
  if (jobs_.contains(assign.attempt)) out_.world.fail("an attempt was to run twice");
  Job& job = jobs_[assign.attempt];
  job.assign = assign;
  job.assigned = out_.world.now();
  job.tasks = decode_tasks(assign.batch.payload);
  job.done.assign(job.tasks.size(), false);
  if (job.tasks.size() != assign.batch.count) out_.world.fail("a batch came with other tasks");
  if (!assign.batch.needs.empty()) {
    out_.world.after(milliseconds(20), [this, needs = assign.batch.needs, lives = lives_] {
      if (!*lives) return;
      ledger_.have(needs);
      pump();
    });
  }
  workers_.add(call, calls_.at(call).call.nesting_level, assign.attempt, assign.batch.count);
  if (is_draining_) workers_.give_back(assign.attempt);
}

void SimNode::on(const node::Stop& effect) {
  std::vector<PeerId> its;
  for (const auto& [program, caller] : programs_) {
    if (caller.attempt == effect.attempt) its.push_back(program);
  }
  workers_.kill(effect.attempt);
  for (const PeerId program : its) {
    programs_.erase(program);
    out_.end_program(program, true);
  }
}

void SimNode::on(const node::GiveBack& effect) {
  workers_.give_back(effect.attempt);
}

void SimNode::on(const node::Lent& effect) {
  if (effect.begins ? !lent_.insert(effect.attempt).second : lent_.erase(effect.attempt) == 0)
    out_.world.fail("a slot was lent, or taken back, twice");
  // One more in need, when slots are gone that were counted on: see scheduler/nesting.h.
  const std::size_t most = about_.most_parked + (out_.slots_go ? 1 : 0);
  if (lent_.size() > most) out_.world.fail("more slots were lent than may be");
  workers_.park(effect.attempt, effect.begins);
}

void SimNode::on(const node::Release& effect) {
  const auto found = held_.find({effect.attempt, effect.task});
  if (found == held_.end()) {
    out_.world.fail("a node was to let go of a result that it does not hold");
    return;
  }
  out_.book.released(found->second, id(), effect.attempt);
  held_.erase(found);
}

void SimNode::on(const node::Refused& effect) {
  out_.world.fail("a node was refused: " + effect.why);
}

std::string SimNode::describe() const {
  std::string text = "at node " + std::to_string(id()) + ":";
  for (const auto& [attempt, job] : jobs_)
    text += " " + to_string(attempt) + (job.began ? " runs" : " waits") +
            (lent_.contains(attempt) ? " and lends;" : ";");
  for (const auto& [program, caller] : programs_)
    text += " " + to_string(caller.attempt) + " calls as " + std::to_string(program) + ";";
  return text;
}

void SimNode::pump() {
  if (std::exchange(is_pumping_, true)) return;
  for (bool again = true; again && *lives_;) {
    again = false;
    for (const node::Effect& effect : ledger_.take_effects()) {
      std::visit([this](const auto& known) { on(known); }, effect);
      again = true;
    }
    if (is_draining_ && ledger_.is_empty() && jobs_.empty()) ledger_.goodbye();
    for (Packet& packet : ledger_.take_outgoing()) {
      again = true;
      out_.network.send(
          id(), id(), SimNetwork::Way::up, std::move(packet),
          [&out = out_, id = id()](Packet arrived) { out.to_scheduler(id, std::move(arrived)); });
    }
    if (is_draining_ && ledger_.is_empty() && jobs_.empty() && !again) *lives_ = false;
  }
  is_pumping_ = false;
  if (*lives_) wake();
}

void SimNode::wake() {
  const Time deadline = std::max(ledger_.next_deadline(), out_.world.now());
  if (deadline >= wake_at_) return;
  wake_at_ = deadline;
  out_.world.at(deadline, [this, deadline, lives = lives_] {
    if (!*lives || wake_at_ != deadline) return;
    wake_at_ = Time::max();
    ledger_.tick(out_.world.now());
    pump();
  });
}

}  // namespace paracord::testkit
