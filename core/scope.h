#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "paracord/core/options.h"

/// What holds for this thread: the innermost parallel_config, and the task that it is running.
namespace paracord::detail {

/// What a running task may ask its call.
class CallControl {
 public:
  virtual bool stop_requested(const struct RunningTask& task) const = 0;

 protected:
  ~CallControl() = default;
};

/// The task that runs on a thread, as stop_requested() and this_worker() see it.
struct RunningTask {
  CallControl* call = nullptr;
  int worker = 0;
  int attempt = 1;
  std::chrono::steady_clock::time_point started{};  // set only where the call has a task_timeout
};

struct ThreadScope {
  const ParallelOptions* config = nullptr;      // merged with what encloses it
  int nesting_level = 0;                        // of calls made here
  int depth = 0;                                // of nested calls, the sequential ones included
  const std::string* nested_backend = nullptr;  // for calls inside a task that name none
  RunningTask* task = nullptr;
  bool reads_input = false;        // of a call, in the user's range
  const char* callback = nullptr;  // the user's code in the midst of ours: see UserCallback
};

ThreadScope& this_thread_scope();

/// While one lives, this thread runs user code at a place where the library cannot go on before it
/// returns: codecs, observers, destructors of what results replace. It must not make calls there.
class UserCallback {
 public:
  /// `what` it is, for people: "a codec".
  explicit UserCallback(const char* what)
      : before_(std::exchange(this_thread_scope().callback, what)) {}
  UserCallback(const UserCallback&) = delete;
  ~UserCallback() { this_thread_scope().callback = before_; }

 private:
  const char* const before_;
};

/// Throws std::logic_error inside of a UserCallback.
void refuse_calls_in_callbacks();

/// While one lives, this thread reads the input of a call, and may wait there.
class ReadingInput {
 public:
  ReadingInput() : before_(std::exchange(this_thread_scope().reads_input, true)) {}
  ReadingInput(const ReadingInput&) = delete;
  ~ReadingInput() { this_thread_scope().reads_input = before_; }

 private:
  const bool before_;
};

/// The batch of a cluster that this process works on, as its scheduler names it; zeros: none. A
/// worker process runs one task at a time, so this holds in all its threads: in those of other
/// backends that the task uses, and in those that it starts itself. `processes` passes it on.
using ClusterAssignment = std::array<std::uint64_t, 2>;
ClusterAssignment current_assignment();
void set_current_assignment(const ClusterAssignment& assignment);

std::size_t current_max_nbytes();

/// While it lives, the thread runs a task: configurations of its caller do not reach inside, and
/// nested calls stand one level deeper. A transparent scope (the sequential backend's) leaves both
/// as they are.
class TaskScope {
 public:
  TaskScope(RunningTask& task, int nesting_level, const std::string& nested_backend);
  explicit TaskScope(RunningTask& task);  // transparent
  TaskScope(const TaskScope&) = delete;
  ~TaskScope();

 private:
  const ThreadScope saved_;
};

}  // namespace paracord::detail
