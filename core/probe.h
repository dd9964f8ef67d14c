#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "paracord/core/guarded.h"
#include "paracord/core/observer.h"
#include "paracord/core/options.h"

namespace paracord::detail {

/// Tells whoever asked (observer, verbose, trace) what happens in one call.
///
/// Threads: any; listeners hear one event at a time.
class Probe {
 public:
  static bool wanted(const ParallelOptions& options);

  /// Throws std::invalid_argument where the trace file cannot be written.
  Probe(const ParallelOptions& options, const std::string& backend, int workers,
        std::optional<std::size_t> task_count);

  void batch_sent(std::size_t first_index, std::size_t size);
  /// Fills in `done_count`. `function` is the task's.
  void task_done(Observer::TaskDone done, const std::string& function);
  void worker_lost(const std::string& reason);
  /// Whether somebody has taken it.
  bool worker_output(const Observer::WorkerOutput& output);
  /// `stopped`: by an error, or before all was done.
  void call_finished(std::size_t pulled, bool stopped);

  /// A listener of the library's own: also hears the task's function.
  class Listener : public Observer {
   public:
    virtual void function_done(const TaskDone&, const std::string& /*function*/) {}
    /// Comes before call_finished().
    virtual void call_stopped() {}
  };

 private:
  struct State {
    std::vector<std::shared_ptr<Observer>> observers;  // shared with the user
    std::vector<std::unique_ptr<Listener>> listeners;
    std::size_t done = 0;
  };
  template <class Tell>
  void tell(Tell tell_one);
  Guarded<State> state_;
};

/// joblib's progress lines on stderr, of a call with these options (verbose among them).
std::unique_ptr<Probe::Listener> make_verbose_lines(const ParallelOptions& options, int workers);
/// joblib's line where `require` has replaced a backend.
void print_replaced_backend(const std::string& by, const std::string& backend);

/// The call's timeline, written to `path` when it ends.
std::unique_ptr<Probe::Listener> make_trace_file(const std::string& path);

/// "  0.1s", "  2.3min".
std::string short_time(double seconds);

}  // namespace paracord::detail
