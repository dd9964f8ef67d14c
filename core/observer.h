#pragma once

#include <chrono>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string>

namespace paracord {

/// Told what happens in a call: derive, override what you want to hear, pass as `.observer`.
///
/// Threads: the functions are called from any thread, but one at a time for each call. A slow one
/// slows the
///   call. They must not throw, and must not call the same Parallel object.
class Observer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  struct CallStarted {
    std::string backend;
    int workers;
    std::optional<std::size_t> task_count;  ///< where the input knows its length
    Time time;
  };
  struct BatchSent {
    std::size_t first_index;
    std::size_t size;
  };
  struct TaskDone {
    std::size_t index;
    int worker;
    Time started;
    Time ended;
    std::exception_ptr error;  ///< null: it succeeded
    std::size_t done_count;    ///< tasks of the call that have ended, this one included
    std::optional<std::size_t> task_count;  ///< once it is known
  };
  struct WorkerLost {
    std::string reason;  ///< as the backend tells it
  };
  struct WorkerOutput {
    std::string host;  ///< empty: this one
    int worker;
    int pid;
    bool is_error;     ///< from stderr
    std::string text;  ///< whole lines
  };
  struct CallFinished {
    std::size_t done_count;
    std::size_t cancelled_count;  ///< tasks read from the input that did not run
    Time time;
  };

  virtual ~Observer() = default;
  virtual void call_started(const CallStarted&) {}
  virtual void batch_sent(const BatchSent&) {}
  virtual void task_done(const TaskDone&) {}
  virtual void worker_lost(const WorkerLost&) {}
  /// Tasks of other processes have printed this. True: it need not go to this process's own stdout
  /// or stderr, marked with its worker, as it does otherwise.
  virtual bool worker_output(const WorkerOutput&) { return false; }
  virtual void call_finished(const CallFinished&) {}
};

/// A progress bar on stderr: redrawn in place on a terminal, within its width; a line now and then
/// in a pipe or a file. One object serves call after call, one at a time.
std::shared_ptr<Observer> progress_bar(std::string title = {});

}  // namespace paracord
