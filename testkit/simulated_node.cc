#include "paracord/testkit/simulated_node.h"

#include <algorithm>
#include <utility>

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;

SimNode::SimNode(Outside& outside, NodeHello about)
    : out_(outside), about_(about), ledger_(std::move(about)) {}

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
  for (const auto& [program, attempt] : std::exchange(programs_, {}))
    out_.end_program(program, false);
}

void SimNode::drain() {
  if (!*lives_ || std::exchange(is_draining_, true)) return;
  ledger_.drain();
  for (const Attempt& attempt : std::exchange(queue_, {})) give_back(attempt);
  pump();
}

void SimNode::begin_jobs() {
  while (!queue_.empty() && begun_ < about_.slots + lent_.size()) {
    const Attempt attempt = queue_.front();
    queue_.pop_front();
    Job& job = jobs_.at(attempt);
    job.is_begun = true;
    job.began = out_.world.now();
    ++begun_;
    begin_task(attempt);
  }
}

void SimNode::begin_task(const Attempt& attempt) {
  Job& job = jobs_.at(attempt);
  if (job.ends_early || job.next == job.tasks.size()) {
    end_job(attempt);
    return;
  }
  const TaskNumber number = job.tasks[job.next];
  out_.book.begins(number, id(), attempt, job.assigned);
  const SimTask& task = out_.book.task(number);
  if (task.nested_tasks != 0) {
    start_nested(job, task);
    return;
  }
  out_.world.after(task.duration, [this, attempt, lives = lives_] {
    if (*lives && jobs_.contains(attempt)) task_ended(attempt);
  });
}

void SimNode::start_nested(Job& job, const SimTask& task) {
  SimProgramPlan plan;
  plan.machine = id();
  plan.identity.client = 0;  // a new one
  plan.identity.root = calls_.at({job.assign.client, job.assign.batch.call});
  plan.identity.name = "nested";
  plan.parent = job.assign.attempt;
  plan.parent_node = id();
  plan.depth = task.depth + 1;
  SimCallPlan call;
  call.tasks = task.nested_tasks;
  call.most_batch = 2;
  call.least_duration = task.duration / 8;
  call.most_duration = task.duration / 2;
  call.nested = plan.depth < 2 ? 0.3 : 0;
  plan.calls.push_back(call);
  const Attempt attempt = job.assign.attempt;
  const PeerId program = out_.start_program(std::move(plan));
  job.program = program;
  programs_[program] = attempt;
}

void SimNode::program_ended(PeerId program) {
  const auto found = programs_.find(program);
  if (found == programs_.end()) return;
  const Attempt attempt = found->second;
  programs_.erase(found);
  if (!*lives_ || !jobs_.contains(attempt)) return;
  jobs_.at(attempt).program = 0;
  task_ended(attempt);
}

void SimNode::task_ended(const Attempt& attempt) {
  Job& job = jobs_.at(attempt);
  const TaskNumber number = job.tasks[job.next];
  out_.book.ends(number, id(), attempt, job.assigned);
  held_[{attempt, job.next}] = number;
  job.unreported.push_back(job.next++);
  if (out_.world.chance(0.5)) report(job);
  begin_task(attempt);
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
  const Time ran = job.is_begun ? out_.world.now() - job.began : Time(0);
  ledger_.batch_over(attempt, job.next, ran.count());
  const PeerId program = job.program;
  if (job.is_begun) --begun_;
  jobs_.erase(attempt);
  if (program != 0) {
    programs_.erase(program);
    out_.end_program(program, true);
  }
  begin_jobs();
}

void SimNode::give_back(const Attempt& attempt) {
  const auto found = jobs_.find(attempt);
  if (found == jobs_.end()) return;
  found->second.ends_early = true;
  if (found->second.is_begun) return;  // when its task has ended
  queue_.erase(std::remove(queue_.begin(), queue_.end(), attempt), queue_.end());
  end_job(attempt);
}

void SimNode::on(const node::OpenCall& effect) {
  if (!calls_.emplace(std::pair{effect.call.client, effect.call.call.call}, effect.call.root)
           .second)
    out_.world.fail("a node was told of a call twice");
}

void SimNode::on(const node::EndCall& effect) {
  if (calls_.erase({effect.client, effect.call}) == 0)
    out_.world.fail("a node was told of the end of a call that it does not know");
}

void SimNode::on(const node::Run& effect) {
  const Assign& assign = effect.assign;
  if (!calls_.contains({assign.client, assign.batch.call}))
    out_.world.fail("a batch came before its call");
  if (jobs_.contains(assign.attempt)) out_.world.fail("an attempt was to run twice");
  Job& job = jobs_[assign.attempt];
  job.assign = assign;
  job.assigned = out_.world.now();
  job.tasks = decode_tasks(assign.batch.payload);
  if (job.tasks.size() != assign.batch.count) out_.world.fail("a batch came with other tasks");
  if (!assign.batch.needs.empty()) {
    out_.world.after(milliseconds(20), [this, needs = assign.batch.needs, lives = lives_] {
      if (!*lives) return;
      ledger_.have(needs);
      pump();
    });
  }
  queue_.push_back(assign.attempt);
  if (is_draining_) {
    queue_.pop_back();
    give_back(assign.attempt);
  }
  begin_jobs();
}

void SimNode::on(const node::Stop& effect) {
  const auto found = jobs_.find(effect.attempt);
  if (found == jobs_.end()) return;
  queue_.erase(std::remove(queue_.begin(), queue_.end(), effect.attempt), queue_.end());
  end_job(effect.attempt);
}

void SimNode::on(const node::GiveBack& effect) {
  give_back(effect.attempt);
}

void SimNode::on(const node::Lent& effect) {
  if (effect.begins ? !lent_.insert(effect.attempt).second : lent_.erase(effect.attempt) == 0)
    out_.world.fail("a slot was lent, or taken back, twice");
  // One more in need, when slots are gone that were counted on: see scheduler/nesting.h.
  const std::size_t most = about_.most_parked + (out_.slots_go ? 1 : 0);
  if (lent_.size() > most) out_.world.fail("more slots were lent than may be");
  begin_jobs();
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
    text += " " + to_string(attempt) + (job.is_begun ? " runs" : " waits") +
            (lent_.contains(attempt) ? " and lends" : "") + (job.program != 0 ? " calls" : "") +
            ";";
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
