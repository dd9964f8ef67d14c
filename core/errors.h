#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

/// The exceptions that reach a caller of Paracord.
///
/// A bad option or argument is std::invalid_argument; using an object against its rules (calling a
/// Parallel that still runs) is std::logic_error; the rest is below.
namespace paracord {

/// Where and how one task failed.
struct TaskFailure {
  std::string function;   ///< the task's function, as the compiler prints it
  std::size_t index = 0;  ///< the task's place in the input, from 0
  std::string arguments;  ///< printed, shortened
  std::string host;
  int pid = 0;
  int attempt = 1;         ///< 1 is the first
  std::string cause_type;  ///< the type of the exception that the task threw
  std::string cause;       ///< its what()
  std::string during;      ///< empty: its run; else what was done with its arguments or result
  std::vector<std::string> nested;  ///< what the exception has nested (std::throw_with_nested),
                                    ///< from the outermost on: "type: what()"
  std::vector<TaskFailure> within;  ///< where the exception came out of a call that the task made:
                                    ///< the tasks that it passed through there, the outermost first
};

/// The details of a task that failed. Nested in the task's own exception where that keeps its type
/// and has nothing nested yet; task_error() finds it in any case. Thrown in place of an exception
/// from another process whose type is neither standard nor registered: see register_exception.
class TaskError : public std::runtime_error {
 public:
  explicit TaskError(TaskFailure failure);
  const TaskFailure& failure() const { return failure_; }

 private:
  TaskFailure failure_;
};

/// The TaskError nested in what parallel() threw, or that it is; empty where there is none (an
/// exception of a type that is neither standard nor registered passes unchanged on threads).
std::optional<TaskError> task_error(const std::exception& thrown);

/// A call's `timeout`, or a task's `task_timeout`, has passed.
class TimeoutError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The call's stop_token was triggered.
class CancelledError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// A task, an argument or a result cannot travel to where it should run.
class SerializationError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The backend cannot run in this program, on this machine, or at this moment.
class BackendUnavailable : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// How a worker process came to its end.
struct WorkerLoss {
  int signal = 0;              ///< that ended it; 0: it exited
  int exit_code = 0;           ///< where it exited
  bool out_of_memory = false;  ///< the system killed it for memory
  std::string backtrace;    ///< of the thread that crashed, where the worker could still write it:
                            ///< a function a line, with its source where that is known
  std::string last_output;  ///< the last lines of its stderr
};

/// The worker that ran a task, or held it, is gone. what() says how, and where in the source that
/// is known; the whole backtrace is in loss().
class WorkerLostError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  WorkerLostError(const std::string& what, WorkerLoss loss)
      : std::runtime_error(what), loss_(std::move(loss)) {}
  const WorkerLoss& loss() const { return loss_; }

 private:
  WorkerLoss loss_;
};

}  // namespace paracord
