// What a simulated program does when its ledger tells it something.

#include <algorithm>
#include <utility>

#include "paracord/testkit/simulated_program.h"

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;

void SimProgram::on(const client::CallReady& effect) {
  Call& call = calls_.at(effect.call);
  if (std::exchange(call.is_ready, true)) out_.world.fail("a call was answered twice");
  call.is_inline = effect.run_inline;
  if (call.is_closed) return;
  if (call.is_inline) {
    if (plan_.parent.counter == 0) out_.world.fail("a call outside of any task was to run inline");
    run_inline(effect.call, 0);
  } else if (call.todo.empty() && call.batches == 0) {
    close(effect.call);
  } else {
    submit(effect.call);
  }
}

void SimProgram::on(const client::DialNode& effect) {
  nodes_[effect.node.node] = out_.world.now();
}

void SimProgram::on(const client::ForgetNode& effect) {
  nodes_.erase(effect.node);
}

void SimProgram::on(const client::Arrived& effect) {
  const auto found = batches_.find(effect.batch);
  if (found == batches_.end()) {
    out_.world.fail("results came of a batch that is over");
    return;
  }
  Attempt made_by;
  const std::vector<TaskNumber> in_payload = decode_tasks(effect.payload, &made_by);
  if (made_by != effect.attempt) out_.world.fail("results came under another attempt's name");
  const Call& call = calls_.at(found->second.call);
  stop_waiting_for_a_while(found->second.call);
  for (const std::uint32_t task : effect.tasks) {
    const TaskNumber number = found->second.tasks.at(task);
    if (std::find(in_payload.begin(), in_payload.end(), number) == in_payload.end())
      out_.world.fail("results of other tasks came than was said");
    if (!out_.world.chance(call.plan.fetched)) {
      out_.book.delivered(number);
      --calls_.at(found->second.call).undelivered;
      ledger_.keep_result(effect.batch, task);
      continue;
    }
    out_.world.after(out_.world.between(milliseconds(1), milliseconds(800)),
                     [this, effect, task, lives = lives_] {
                       if (*lives && !over_) fetched(effect, task);
                     });
  }
}

// Large: its bytes come from the node, while that can be reached.
void SimProgram::fetched(const client::Arrived& arrived, std::uint32_t task) {
  const auto found = batches_.find(arrived.batch);
  if (found == batches_.end()) return;  // cancelled meanwhile
  const TaskNumber number = found->second.tasks.at(task);
  if (nodes_.contains(arrived.node) && out_.node_lives(arrived.node)) {
    out_.book.delivered(number);
    --calls_.at(found->second.call).undelivered;
    ledger_.keep_result(arrived.batch, task);
  } else {
    out_.book.dropped(number);
    ledger_.drop_result(arrived.batch, task);
  }
  pump();
}

void SimProgram::on(const client::Over& effect) {
  const auto found = batches_.find(effect.batch);
  if (found == batches_.end()) {
    out_.world.fail("a batch was over twice");
    return;
  }
  const Batch batch = std::move(found->second);
  batches_.erase(found);
  Call& call = calls_.at(batch.call);
  --call.batches;
  if (!effect.refusal.empty()) out_.world.fail("tasks were refused: " + effect.refusal);
  for (const std::uint32_t task : effect.missing) {
    const TaskNumber number = batch.tasks.at(task);
    if (out_.book.task(number).deliveries != 0)
      out_.world.fail("a task is missing although its result was kept");
    if (out_.book.task(number).is_wanted) call.todo.push_back(number);
  }
  if (call.is_closed) return;
  if (call.undelivered == 0 && call.batches == 0) {
    close(batch.call);
  } else {
    submit(batch.call);
  }
}

void SimProgram::on(const client::Refused& effect) {
  out_.world.fail("a client was refused: " + effect.why);
}

}  // namespace paracord::testkit
