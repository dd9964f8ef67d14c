// Call: what became of tasks that ran in other processes.

#include <unistd.h>

#include "paracord/core/call.h"
#include "paracord/core/describe_error.h"
#include "paracord/core/errors.h"
#include "paracord/core/remote_error.h"

namespace paracord::detail {

bool Call::wants_task_times() const {
  return probe_.has_value();
}

void Call::encode_task(Block& block, std::size_t index, Encoder& out) {
  tasks_.encode(block, index, out);
}

std::string Call::function_of(const Block& block, std::size_t index) const {
  return tasks_.text(block, index).function;
}

// A task that ran ends here whatever happens: its result cannot be asked for again.
void Call::remote_succeeded(Block& block, std::size_t index, Decoder& result,
                            const RemoteRun& run) noexcept {
  try {
    tasks_.decode_result(block, index, result);
  } catch (...) {
    TaskFailure failure = failure_of(block, index, run);
    failure.during = "while its result was decoded";
    return gap(block, index, add_task_error(std::current_exception(), failure), run);
  }
  if (probe_) remote_report(block, index, run, nullptr);
  tasks_.destroy_task(block, index);
  publish_result(block, index);
}

bool Call::retry(const RemoteRun& run) const {
  return run.attempt <= options().retries.value_or(0) && !stopped();
}

void Call::remote_threw(Block& block, std::size_t index, Decoder& error,
                        const RemoteRun& run) noexcept {
  TaskFailure failure = failure_of(block, index, run);
  std::exception_ptr thrown;
  try {
    thrown = decode_remote_error(error, failure);
  } catch (...) {
    thrown = std::current_exception();
  }
  gap(block, index, std::move(thrown), run);
}

void Call::remote_failed(Block& block, std::size_t index, std::exception_ptr error,
                         const RemoteRun& run) noexcept {
  TaskFailure failure = failure_of(block, index, run);
  gap(block, index, add_task_error(error, failure), run);
}

// The batch came back without a word about this task.
void Call::remote_dropped(Block& block, std::size_t index, const Status& status) noexcept {
  if (stopped()) return skip(block, index, index + 1);
  const Status trouble =
      status.ok() ? Status(StatusCode::lost, "the backend completed the batch without this task")
                  : status;
  remote_failed(block, index, exception_of(trouble), RemoteRun{});
}

void Call::remote_measured(Block& block, std::size_t count, std::chrono::nanoseconds ran) noexcept {
  if (count == 0 || !timed_) return;
  const double each = static_cast<double>(ran.count()) / static_cast<double>(count);
  depth_.batch_ran(each * static_cast<double>(block.count));
  const auto whole = each * static_cast<double>(block.automatic_size);
  backend_->batch_completed(block.automatic_size,
                            std::chrono::nanoseconds(static_cast<std::int64_t>(whole)));
}

void Call::remote_finished(Block& block) noexcept {
  finish_tasks(block, block.count);
}

TaskFailure Call::failure_of(Block& block, std::size_t index, const RemoteRun& run) const {
  TaskFailure failure;
  failure.index = block.first_index + index;
  failure.attempt = run.attempt;
  failure.host = run.host;
  failure.pid = run.pid;
  const TaskText text = tasks_.text(block, index);
  failure.function = text.function;
  failure.arguments = text.arguments;
  return failure;
}

// The task has no result. It is still in its slot.
void Call::gap(Block& block, std::size_t index, std::exception_ptr error,
               const RemoteRun& run) noexcept {
  if (probe_) remote_report(block, index, run, error);
  tasks_.destroy_task(block, index);
  block.add_gap(index, error);
  if (!setup_.keep_errors) fail(error);
}

void Call::remote_report(Block& block, std::size_t index, const RemoteRun& run,
                         std::exception_ptr error) {
  RunningTask task;
  task.worker = run.worker;
  task.attempt = run.attempt;
  task.started = run.started;
  report(block, index, task, run.ended, std::move(error));
}

void Call::task_failed_in(Phase phase, Block& block, std::size_t index) noexcept {
  TaskFailure failure = failure_of(block, index, RemoteRun{});
  failure.during = phase == Phase::encoding_arguments ? "while its arguments were encoded" : "";
  failure.host = host_name();
  failure.pid = static_cast<int>(getpid());
  gap(block, index, add_task_error(std::current_exception(), failure), RemoteRun{});
}

}  // namespace paracord::detail
