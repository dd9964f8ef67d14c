#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "paracord/core/collectors.h"
#include "paracord/core/config.h"
#include "paracord/core/delayed.h"
#include "paracord/core/errors.h"
#include "paracord/core/generator.h"
#include "paracord/core/options.h"
#include "paracord/core/outcome.h"
#include "paracord/core/range_tasks.h"

namespace paracord {

namespace detail {
std::shared_ptr<Session> make_session(const ParallelOptions& options);
void run_call(Session& session, TaskRange& tasks, Collector& collector, bool keep_errors);
}  // namespace detail

/// Runs delayed calls side by side: `parallel(inputs | std::views::transform(…delayed<f>(x)…))`.
///
/// The tasks are any input range of delayed calls with one result type. It is read as the call goes
/// on, several tasks ahead, by one thread at a time (not always the caller's), and must not wait
/// for what its own tasks do; what it throws ends the call. See concurrent_range().
///
/// No call returns, and no generator is destroyed, while a task that it started may still use what
/// it was given, or give back a result. After an error, a timeout or a cancellation no task begins
/// any more, and those that run are asked to end (stop_requested()). On threads the call waits for
/// them. Worker processes are killed after a time of grace, and the call waits for that. On a
/// cluster they are killed, too, but the call does not wait for nodes, which may be out of reach:
/// such tasks have copies, and nothing of them comes back, but what they do elsewhere (in files,
/// say) may go on for that time.
///
/// Threads: one call at a time on an object; all calls of a program draw on one pool. Tasks, and
///   the input range, may make calls of their own; codecs and observers may not.
/// Errors: std::invalid_argument (constructor) for bad options, before anything runs;
///   std::logic_error for a call while another one, or a generator, of this object is open; then
///   what the first failing task threw, TimeoutError, CancelledError, BackendUnavailable. What a
///   task threw keeps its type where that is a standard one or was named by
///   register_exception<E>(), on every backend; any other type keeps it where memory is shared
///   (threads), and comes from worker processes and nodes as a TaskError. After any of them the
///   object is as new.
class Parallel {
 public:
  explicit Parallel(const ParallelOptions& options = {})
      : session_(detail::make_session(options)) {}
  Parallel(Parallel&&) = default;
  Parallel& operator=(Parallel&&) = default;

  /// Runs all tasks; their results in order (nothing for void tasks).
  template <detail::TaskRangeArgument Tasks>
  auto operator()(Tasks&& tasks) {
    using R = detail::ResultOf<Tasks>;
    using Collector = std::conditional_t<std::is_void_v<R>, detail::NothingCollector,
                                         detail::VectorCollector<detail::StoredResult<R>>>;
    return run<Collector>(std::forward<Tasks>(tasks), false);
  }

  /// Runs all tasks; for each its value or its error: one that fails does not cost the others.
  template <detail::TaskRangeArgument Tasks>
  auto outcomes(Tasks&& tasks) {
    return run<detail::OutcomeCollector<detail::ResultOf<Tasks>>>(std::forward<Tasks>(tasks), true);
  }

  /// Starts the tasks; the results in order, each as soon as it and all before it are there.
  template <detail::TaskRangeArgument Tasks>
  auto generator(Tasks&& tasks) {
    return generate(std::forward<Tasks>(tasks), true);
  }

  /// Starts the tasks; the results as they come: none waits for another task, unless this thread
  /// has to run that one itself (one job; or a task of another call that shares its CPUs, n_jobs <
  /// 0).
  template <detail::TaskRangeArgument Tasks>
  auto generator_unordered(Tasks&& tasks) {
    return generate(std::forward<Tasks>(tasks), false);
  }

  // What is no range of tasks is told so in one sentence.
  template <class T>
  auto operator()(T&&) {
    return detail::refuse_tasks<T>();
  }
  template <class T>
  auto outcomes(T&&) {
    return detail::refuse_tasks<T>();
  }
  template <class T>
  auto generator(T&&) {
    return detail::refuse_tasks<T>();
  }
  template <class T>
  auto generator_unordered(T&&) {
    return detail::refuse_tasks<T>();
  }

 private:
  template <class Collector, class Tasks>
  auto run(Tasks&& tasks, bool keep_errors) {
    auto range = detail::make_range_tasks(std::forward<Tasks>(tasks));
    Collector collector;
    detail::run_call(*session_, range, collector, keep_errors);
    return collector.take();
  }

  template <class Tasks>
  auto generate(Tasks&& tasks, bool ordered) {
    std::unique_ptr<detail::TaskRange> range(
        new detail::RangeTasksOf<Tasks>(detail::make_range_tasks(std::forward<Tasks>(tasks))));
    return Generator<detail::ResultOf<Tasks>>(
        detail::GeneratorHandle(session_, std::move(range), ordered));
  }

  std::shared_ptr<detail::Session> session_;  // shared: a generator may outlive its Parallel
};

}  // namespace paracord
