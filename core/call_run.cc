// Call: running tasks on this thread.

#include <algorithm>

#include "paracord/core/call.h"
#include "paracord/core/describe_error.h"

namespace paracord::detail {

// A ticket for a block that others have finished meanwhile finds nothing to claim, and that is all.
void Call::run_block(Block& block) noexcept {
  if (!block.has_unclaimed()) return;
  RunningTask task;
  task.call = this;
  task.worker = worker_indexes_.take();
  run_in_scope(block, task);
  worker_indexes_.give_back(task.worker);
}

void Call::run_in_scope(Block& block, RunningTask& task) {
  if (transparent_) {
    const TaskScope scope(task);
    run_claims(block, task);
  } else {
    const TaskScope scope(task, nesting_level_ + 1, nested_backend_);
    run_claims(block, task);
  }
}

void Call::run_claims(Block& block, RunningTask& task) {
  if (options().initializer && !initialise(block)) return;
  Block::Claim claim = block.claim(1);
  if (claim.empty()) return;
  const std::size_t automatic = block.automatic_size;
  const auto started = timed_ ? SteadyClock::now() : SteadyClock::time_point{};
  RunningClaims runner(block);
  std::size_t ended = 0;
  // Claims begin small, since the tasks may be slower than those that the batch size was learnt
  // from. That tasks ended is counted once, at the end: a claim may be a single task of a few
  // nanoseconds. Until then the block is this one, and no other filling of it.
  std::size_t most = 1;
  for (; !claim.empty(); claim = block.claim(most)) {
    ended += run_claim(runner, claim, task);
    check_deadline();
    if (!runner.listed && block.is_coarse())
      blocks_.with([&](BlockList& blocks) { blocks.add(runner); });
    most = runner.listed ? std::min(2 * most, Block::most_tasks) : 1;
  }
  if (runner.listed) blocks_.with([&](BlockList& blocks) { blocks.remove(runner); });
  if (ended == 0) return;
  if (!timed_) return finish_tasks(block, ended);
  const auto each = (SteadyClock::now() - started) / static_cast<double>(ended);
  finish_tasks(block, ended);
  // Where others took a part, what ran here stands for the whole.
  backend_->batch_completed(automatic, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                           each * static_cast<double>(automatic)));
}

bool Call::initialise(Block& block) {
  try {
    session_.initialise_this_thread();
    return true;
  } catch (...) {
    fail(std::current_exception());
    for (Block::Claim claim = block.claim_rest(); !claim.empty(); claim = block.claim_rest()) {
      skip(block, claim.begin, claim.end);
      finish_tasks(block, claim.size());
    }
    return false;
  }
}

// Returns how many tasks of the claim are over: all, but for those that others have now.
std::size_t Call::run_claim(RunningClaims& runner, Block::Claim claim, RunningTask& task) {
  Block& block = runner.block;
  runner.begin(claim);
  if (claim.size() == 1 && block.attention.load(std::memory_order_relaxed)) {
    if (stopped()) {
      skip(block, claim.begin, claim.end);
    } else {
      run_alone(block, claim.begin, task);
    }
    return 1;
  }
  if (watched_) {
    for (; runner.index != claim.end; runner.advance()) run_watched(block, runner.index, task);
  } else {
    run_fast(runner, claim.end, task);
  }
  if (runner.index == claim.end) return claim.size();
  // Somebody wants attention: the call has stopped, or others have nothing to do.
  const std::size_t end = leave_rest(runner, claim.end);
  if (stopped()) {
    skip(block, runner.index, end);
  } else {
    for (std::size_t index = runner.index; index != end; ++index) run_alone(block, index, task);
  }
  return end - claim.begin;
}

// Gives back what it has not begun, for anybody. Returns the end of what is left to this thread.
std::size_t Call::leave_rest(RunningClaims& runner, std::size_t end) {
  const bool gave = blocks_.with([&](BlockList& blocks) {
    // Others may have taken a part.
    end = runner.end.load(std::memory_order_relaxed);
    runner.end.store(0, std::memory_order_relaxed);
    const Block::Claim rest{runner.index, end};
    if (stopped() || rest.empty() || !blocks.give_back(runner.block, rest)) return false;
    end = rest.begin;
    return true;
  });
  if (!gave) return end;
  share_out();
  return end;
}

// Until the block wants attention, or to the end. Each result that a reader takes by itself is
// published before the next task begins.
void Call::run_fast(RunningClaims& runner, std::size_t end, RunningTask& task) {
  Block& block = runner.block;
  const bool publishes = block.is_exposed() && block.states == nullptr;
  while (runner.index != end) {
    const std::size_t first = runner.index, next = publishes ? first + 1 : end;
    try {
      tasks_.run(block, runner.index, next);
      if (publishes && runner.index == next) publish_result(block, next - 1);
      if (block.states != nullptr) tell_reader(block);
    } catch (...) {
      task_failed(block, runner.index, task);
      runner.advance();
    }
    if (runner.index == first) return;
  }
}

void Call::run_alone(Block& block, std::size_t index, RunningTask& task) {
  if (watched_) return run_watched(block, index, task);
  try {
    tasks_.run_one(block, index, false);
    tasks_.destroy_task(block, index);
    publish_result(block, index);
  } catch (...) {
    task_failed(block, index, task);
  }
}

void Call::run_watched(Block& block, std::size_t index, RunningTask& task) {
  const int attempts = options().retries.value_or(0) + 1;
  for (task.attempt = 1; !run_attempt(block, index, task, task.attempt == attempts);
       ++task.attempt) {
  }
  task.attempt = 1;
}

// Returns whether the task is over: it succeeded, or this was its last chance.
bool Call::run_attempt(Block& block, std::size_t index, RunningTask& task, bool last) {
  task.started = SteadyClock::now();
  bool made = false;
  try {
    tasks_.run_one(block, index, !last);
    made = true;
    const auto ended = SteadyClock::now();
    if (task_timeout_ && ended - task.started > *task_timeout_) {
      throw TimeoutError("task_timeout: the task ran longer than " +
                         std::to_string(options().task_timeout->count()) + " s");
    }
    if (probe_) report(block, index, task, ended, nullptr);
    tasks_.destroy_task(block, index);
    publish_result(block, index);
    return true;
  } catch (...) {
    if (made) tasks_.destroy_result(block, index);
    // A task that fails for ever must not keep the call beyond its time.
    if (!last && !check_deadline() && !stopped()) return false;
    task_failed(block, index, task);
    return true;
  }
}

void Call::report(Block& block, std::size_t index, const RunningTask& task,
                  SteadyClock::time_point ended, std::exception_ptr error) {
  Observer::TaskDone done{
      block.first_index + index, task.worker, task.started, ended, std::move(error), 0, {}};
  if (size_ != unknown_size) {
    done.task_count = size_;
  } else if (exhausted_.load(std::memory_order_acquire)) {
    done.task_count = pulled_.load(std::memory_order_relaxed);
  }
  probe_->task_done(done, tasks_.text(block, index).function);
}

// Inside the handler of the task's exception. The task is still in its slot.
void Call::task_failed(Block& block, std::size_t index, const RunningTask& task) noexcept {
  TaskFailure failure;
  failure.index = block.first_index + index;
  failure.attempt = task.attempt;
  std::exception_ptr error;
  try {
    const TaskText text = tasks_.text(block, index);
    failure.function = text.function;
    failure.arguments = text.arguments;
    error = describe_current_exception(failure);
  } catch (...) {
    error = std::current_exception();
  }
  if (probe_) report(block, index, task, SteadyClock::now(), error);
  tasks_.destroy_task(block, index);
  block.add_gap(index, error);
  if (!setup_.keep_errors) fail(error);
}

// Cancels claimed tasks that have not run.
void Call::skip(Block& block, std::size_t begin, std::size_t end) {
  for (std::size_t index = begin; index != end; ++index) {
    tasks_.destroy_task(block, index);
    block.add_gap(index, nullptr);
  }
}

// The block may be reused as soon as its last task has ended and its results were read; one whose
// results are in place already has no reader, and takes the next tasks.
void Call::finish_tasks(Block& block, std::size_t count) {
  const bool in_place = block.results_in_place(), exposed = block.is_exposed();
  if (block.finish(count)) {
    if (in_place) {
      blocks_.with([&](BlockList& blocks) {
        blocks.remove(block);
        blocks.put_back(block);
      });
    } else if (exposed) {
      blocks_.with([&](BlockList& blocks) { blocks.run_to_end(block); });
    }
    live_blocks_.fetch_sub(1, std::memory_order_release);
  }
  ended_.fetch_add(count, std::memory_order_release);
  notify();
}

}  // namespace paracord::detail
