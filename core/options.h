#pragma once

#include <chrono>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "paracord/core/backend_options.h"
#include "paracord/core/initializer.h"

namespace paracord {

class Observer;

enum class Prefer { processes, threads };  ///< a wish: used where no backend was chosen
enum class Require { shared_memory };      ///< a must: tasks see the caller's memory
enum class MmapMode { read, read_write, write, copy_on_write };

/// A length of time, in seconds; any std::chrono duration converts.
using Seconds = std::chrono::duration<double>;

/// How many tasks are scheduled as one: a number ≥ 1, or chosen from measured run times.
struct BatchSize {
  static const BatchSize automatic;
  constexpr BatchSize(int count) : count(count) {}  // NOLINT: `.batch_size = 16` is the point
  int count;
};
inline constexpr BatchSize BatchSize::automatic{std::numeric_limits<int>::min()};

/// How far the input is read ahead before the first results, in tasks; from then on what was read
/// and has not run stays within it too, where it was given as a number.
struct PreDispatch {
  static const PreDispatch all;                       ///< read the whole input first
  constexpr PreDispatch(int tasks) : tasks(tasks) {}  // NOLINT: `.pre_dispatch = 8`
  int tasks;
};
inline constexpr PreDispatch PreDispatch::all{std::numeric_limits<int>::max()};

/// No limit, for `max_nbytes`: arrays are never shared through files by themselves.
inline constexpr std::size_t unlimited_bytes = std::numeric_limits<std::size_t>::max();

/// How a call runs. What is not set falls to the innermost parallel_config of this thread, then to
/// the default named here. Semantics follow joblib's Parallel; docs/comparison.md lists the
/// differences.
///
/// The order of the fields is part of the API (designated initialisers must follow it).
struct ParallelOptions {
  /// Tasks at once: n ≥ 1 as given, however many CPUs there are; n < 0 means max(cpu_count() + 1 +
  /// n, 1), so -1 is all CPUs. 0 is an error. 1 is a plain loop in the caller on every backend of
  /// the library: no worker is started, nothing is encoded (but see ProcessesOptions::isolate and
  /// ZeromqOptions::isolate). Default: the backend's, which is 1, and -1 on a cluster.
  std::optional<int> n_jobs{};
  /// A registered name. Default: "threads".
  std::optional<std::string> backend{};
  std::optional<Prefer> prefer{};
  std::optional<Require> require{};
  /// joblib's levels: 0 silent, more says more, above 10 every batch. On stderr.
  std::optional<int> verbose{};
  /// Above 0. For the whole call; in generators for each wait for a result. TimeoutError. No task
  /// starts after it; tasks that run are asked to stop (stop_requested()) and, on threads, waited
  /// for.
  std::optional<Seconds> timeout{};
  /// Above 0. For each task. On threads cooperative: the task learns it from stop_requested(), and
  /// one that ends too late fails with TimeoutError although it has ended.
  std::optional<Seconds> task_timeout{};
  /// ≥ 0. How often a task that failed runs again, with its arguments as they were (so they are
  /// copied for each attempt, and must be copyable). Default 0.
  std::optional<int> retries{};
  /// Default: two tasks per worker at first, then as the backend needs.
  std::optional<PreDispatch> pre_dispatch{};
  std::optional<BatchSize> batch_size{};
  /// Where shared files go. No meaning on threads.
  std::optional<std::string> temp_folder{};
  /// Arrays larger than this are shared, not copied; a container larger than this is not copied
  /// into a task without being asked (see delayed). Default 1 MiB.
  std::optional<std::size_t> max_nbytes{};
  /// read or read_write; a task's parameters say which of the two is meant. Refused: the others.
  std::optional<MmapMode> mmap_mode{};
  /// ≥ 1. Threads of OpenMP and BLAS in each worker process. Backends without processes refuse it.
  std::optional<int> inner_max_num_threads{};
  /// Runs once on each worker before its first task of this Parallel object.
  std::optional<Initializer> initializer{};
  /// ≥ 1. In generators: tasks dispatched whose results were not read yet. Default: two batches per
  /// worker, at most 64 MiB of results where their size is known.
  std::optional<std::size_t> max_pending_results{};
  /// Told what happens; see observer.h.
  std::optional<std::shared_ptr<Observer>> observer{};
  /// A file that gets the call's timeline, for Perfetto or chrome://tracing.
  std::optional<std::string> trace{};
  /// Cancels the call: CancelledError.
  std::optional<std::stop_token> stop_token{};
  /// A task may run more than once without harm. No meaning on threads.
  std::optional<bool> idempotent{};
  /// Higher first, between calls on a cluster. No meaning on threads.
  std::optional<int> priority{};
  /// The backend's own options, of the type that it documents (ThreadsOptions, …).
  std::optional<BackendOptions> backend_options{};
};

}  // namespace paracord
