#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>

#include "paracord/core/batch.h"
#include "paracord/core/observer.h"
#include "paracord/core/options.h"

namespace paracord {

/// What a backend is, so that calls can use it well.
struct Capabilities {
  bool shared_memory =
      false;  ///< tasks see the caller's memory; batches may be shared out further while they run
  bool runs_in_caller = false;  ///< submit() runs the batch before it returns
  bool caller_helps =
      false;  ///< the waiting caller may run batches of its own call (counts as one worker)
  bool caller_collects =
      false;  ///< completions come in while the caller is inside wait(); there is such a function
  bool inner_max_num_threads = false;  ///< honours that option
  bool abort_ends_all = false;  ///< abort() completes those that run, too: nothing of them reaches
                                ///< the caller any more, though what is elsewhere may still begin
  int batches_per_worker = 2;   ///< in flight, so that a worker has the next one at hand
  int short_batches_per_worker = 0;  ///< the same, while they run for microseconds; 0: no more
};

/// Takes what tasks have printed, from any thread. False: it is to be printed here, too; see
/// core/worker_output.h.
using OnWorkerOutput = std::function<bool(const Observer::WorkerOutput&)>;

/// One call, as a backend is told of it.
struct CallSettings {
  int n_jobs;              ///< as asked: negative means relative to the CPUs
  int nesting_level;       ///< 0: not inside a task
  bool caller_takes_part;  ///< the caller runs batches itself: one worker fewer is needed
  bool caller_waits;       ///< for all results, and does nothing else meanwhile
  const BackendOptions* backend_options;      ///< as given; null: none
  const ParallelOptions* options;             ///< all of them, for the call's length
  const OnWorkerOutput* on_output = nullptr;  ///< until finish_call(); null: nobody asks
};

/// What configure() answers.
struct Configured {
  int workers = 0;                       ///< batches that run at once, the caller's included
  std::optional<std::string> instead{};  ///< run on the backend of this name in its place
  Status status{};                       ///< trouble: the call does not start
};

/// A place where tasks run: threads here, processes here, or machines elsewhere. One object serves
/// one Parallel object, call after call; what is worth sharing (a pool) stands behind it.
///
/// Every batch that submit() is given gets exactly one completion: also when the backend is aborted
/// or terminated, when a task throws, when a worker dies. testkit/conformance.h holds backends to
/// all of it.
///
/// Threads: submit() and abort() from any thread, also out of a completion or a running batch; the
/// rest one at a time, by the
///   thread that made the call. submit() does not wait for a batch, except with runs_in_caller.
/// Owns:    each batch and its completion, from submit() until the completion was called.
/// Errors:  as Status values; nothing is thrown across this class.
class ParallelBackendBase {
 public:
  virtual ~ParallelBackendBase() = default;

  virtual Capabilities capabilities() const = 0;

  /// What a call with `n_jobs` (not 0) would get now. May be 0: no worker is there.
  virtual int effective_n_jobs(int n_jobs) const;

  /// n_jobs of a call that says nothing.
  virtual int default_n_jobs() const { return 1; }

  /// A call begins. Workers may be started here or later.
  virtual Configured configure(const CallSettings& settings) = 0;

  /// Takes a batch; runs at most the configured number at once (one fewer where the caller takes
  /// part).
  virtual void submit(Batch batch, OnDone on_done) = 0;

  /// Completes as cancelled, before it returns, every batch that has not begun. Those that run go
  /// on, and are completed when they end (but see abort_ends_all). The backend stays usable.
  virtual void abort() = 0;

  /// With caller_collects: the caller has nothing to do until `ready()`, or until the deadline.
  /// Completes batches on its thread meanwhile. Returns ready()'s last answer.
  virtual bool wait(const std::function<bool()>& ready,
                    std::optional<std::chrono::steady_clock::time_point> deadline);
  /// Any thread: lets a wait() ask ready() again.
  virtual void interrupt() {}

  /// The call is over: all its batches are completed.
  virtual void finish_call() {}

  /// Lets go of everything that belongs to this object. abort() came first; nothing comes after.
  virtual void terminate() {}

  /// The backend of calls inside tasks that name none; `nesting_level` is theirs, from 1. By
  /// default threads at level 1 and sequential below.
  virtual std::string nested_backend(int nesting_level) const;

  /// The number of tasks for the next batch where batch_size is automatic; see AutoBatchingMixin.
  virtual std::size_t compute_batch_size() { return 1; }

  /// A batch of this size took this long to run (not to queue, not to travel).
  virtual void batch_completed(std::size_t /*size*/, std::chrono::nanoseconds /*ran*/) {}
};

}  // namespace paracord
