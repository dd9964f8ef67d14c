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
  std::size_t first = 0;  // of the tasks that ended here
  const std::size_t automatic = block.automatic_size;
  const auto started = timed_ ? SteadyClock::now() : SteadyClock::time_point{};
  std::size_t ended = 0;
  // Claims begin small, since the tasks may be slower than those that the batch size was learnt
  // from, and what is claimed behind a running task is out of the others' reach. What ended is told
  // once, at the end: a claim may be a single task of a few nanoseconds.
  std::size_t most = 1;
  for (; !claim.empty(); claim = block.claim(most)) {
    const std::size_t over = run_claim(block, claim, task);
    if (ended == 0) first = claim.begin;
    ended += over;
    most = std::min(2 * most, Block::most_tasks);
    check_deadline();
  }
  if (ended == 0) return;
  if (!timed_) return finish_tasks(block, first, ended);
  const auto each = (SteadyClock::now() - started) / static_cast<double>(ended);
  finish_tasks(block, first, ended);
  // Where others took a part, what ran here stands for the whole.
  backend_->batch_completed(automatic, std::chrono::duration_cast<std::chrono::nanoseconds>(
                                           each * static_cast<double>(automatic)));
}

bool Call::initialise(Block& block) {
  try {
    session_.initialise_this_thread();
    return true;
  } catch (...) {
    const Block::Claim claim = block.claim_rest();
    fail(std::current_exception());
    if (!claim.empty()) {
      skip(block, claim.begin, claim.end);
      finish_tasks(block, claim.begin, claim.size());
    }
    return false;
  }
}

// Returns how many tasks of the claim are over: all, but for those given back.
std::size_t Call::run_claim(Block& block, Block::Claim claim, RunningTask& task) {
  std::size_t index = watched_ ? run_watched(block, claim, task) : run_fast(block, claim, task);
  // Somebody wants attention: the call has stopped, or others have nothing to do.
  while (index != claim.end) {
    if (stopped()) {
      skip(block, index, claim.end);
      break;
    }
    if (block.give_back(index, claim.end)) {
      blocks_.with([](BlockList& blocks) { blocks.look_from_start(); });
      gave_back_.store(true, std::memory_order_relaxed);
      notify();
      dispatch();
      return index - claim.begin;
    }
    index = run_fast(block, {index, claim.end}, task);
  }
  return claim.size();
}

// Returns where it stopped.
std::size_t Call::run_fast(Block& block, Block::Claim claim, RunningTask& task) {
  std::size_t index = claim.begin;
  while (index != claim.end) {
    try {
      tasks_.run(block, index, claim.end);
      break;
    } catch (...) {
      task_failed(block, index, task);
      ++index;
    }
  }
  return index;
}

std::size_t Call::run_watched(Block& block, Block::Claim claim, RunningTask& task) {
  const int attempts = options().retries.value_or(0) + 1;
  std::size_t index = claim.begin;
  for (; index != claim.end && !block.attention.load(std::memory_order_relaxed); ++index) {
    for (task.attempt = 1; !run_attempt(block, index, task, task.attempt == attempts);
         ++task.attempt) {
    }
    task.attempt = 1;
  }
  return index;
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
    return true;
  } catch (...) {
    if (made) tasks_.destroy_result(block, index);
    if (!last && !stopped()) return false;
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

// `first` is one of the tasks that ended. The block may belong to a reader as soon as its last task
// has ended; one whose results are in place already has no reader, and takes the next tasks.
void Call::finish_tasks(Block& block, std::size_t first, std::size_t count) {
  if (setup_.bounded_results && block.gaps() == nullptr) {
    result_bytes_.store(tasks_.result_bytes(block, first), std::memory_order_relaxed);
  }
  const bool in_place = block.results_in_place();
  if (block.finish(count)) {
    if (in_place) {
      blocks_.with([&](BlockList& blocks) {
        blocks.remove(block);
        blocks.put_back(block);
      });
    } else if (setup_.order == Order::as_done) {
      blocks_.with([&](BlockList& blocks) { blocks.add_finished(block); });
    }
    live_blocks_.fetch_sub(1, std::memory_order_release);
  }
  ended_.fetch_add(count, std::memory_order_release);
  notify();
}

}  // namespace paracord::detail
