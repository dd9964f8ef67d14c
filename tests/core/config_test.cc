#include "paracord/core/config.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <latch>
#include <thread>

#include "paracord/core/resolve.h"
#include "paracord/paracord.h"
#include "paracord/testkit/manual_backend.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

using namespace std::chrono_literals;

// Hears on how many workers, and where, a call runs.
struct Witness final : Observer {
  void call_started(const CallStarted& event) override {
    workers = event.workers;
    backend = event.backend;
  }
  int workers = 0;
  std::string backend;
};

struct Seen {
  int workers;
  std::string backend;
};

Seen call_with(ParallelOptions options) {
  auto witness = std::make_shared<Witness>();
  options.observer = witness;
  Parallel parallel(options);
  EXPECT_EQ(parallel(squares(5)), expected_squares(5));
  return {witness->workers, witness->backend};
}

TEST(Config, SetsDefaultsWhileItLives) {
  EXPECT_EQ(call_with({}).workers, 1);
  {
    const auto scope = parallel_config({.n_jobs = 3});
    EXPECT_EQ(call_with({}).workers, 3);
    EXPECT_EQ(call_with({.n_jobs = 2}).workers, 2);
  }
  EXPECT_EQ(call_with({}).workers, 1);
}

TEST(Config, NestsAndInheritsWhatTheInnerScopeLeavesOpen) {
  const auto outer = parallel_config({.n_jobs = 4, .backend = "threads"});
  {
    const auto inner = parallel_config({.n_jobs = 2});
    EXPECT_EQ(call_with({}).workers, 2);
    EXPECT_EQ(call_with({}).backend, "threads");
    const auto innermost = parallel_config({.backend = "sequential"});
    EXPECT_EQ(call_with({}).backend, "sequential");
  }
  EXPECT_EQ(call_with({}).workers, 4);
}

TEST(Config, HoldsForItsThreadOnly) {
  const auto scope = parallel_config({.n_jobs = 3});
  int elsewhere = 0;
  std::jthread([&] { elsewhere = call_with({}).workers; }).join();
  EXPECT_EQ(elsewhere, 1);
}

TEST(Config, RefusesAnUnknownBackendAtOnce) {
  EXPECT_THROW((void)parallel_config({.backend = "unknown"}), std::invalid_argument);
}

TEST(Config, TakesEveryOption) {
  std::stop_source source;
  source.request_stop();
  {
    const auto scope = parallel_config({.n_jobs = 2, .stop_token = source.get_token()});
    EXPECT_THROW(Parallel()(squares(5)), CancelledError);
  }
  {
    const auto scope =
        parallel_config({.n_jobs = 2, .retries = 1, .initializer = Initializer([] { throw 5; })});
    EXPECT_THROW(Parallel()(squares(5)), int);
  }
  {
    const auto scope = parallel_config({.n_jobs = 2, .task_timeout = 1ms});
    EXPECT_THROW(Parallel()(std::views::iota(0, 1) | std::views::transform([](int) {
                              return delayed<burn_and_return>(20'000);
                            })),
                 TimeoutError);
  }
  {
    const auto scope = parallel_config({.n_jobs = 2, .timeout = 1ms});
    EXPECT_THROW(Parallel()(std::views::iota(0, 1000) | std::views::transform([](int) {
                              return delayed<burn_and_return>(1000);
                            })),
                 TimeoutError);
  }
  {
    const auto scope = parallel_config({.backend_options = BackendOptions(3)});
    EXPECT_THROW(Parallel({.n_jobs = 2})(squares(5)), std::invalid_argument);
  }
}

// A value for each field, different for each `n`.
ParallelOptions every_option(int n, const std::shared_ptr<Observer>& observer,
                             const std::stop_token& token, int& initialised) {
  return {.n_jobs = n,
          .backend = "threads",  // the same: the backend's own options go with its name
          .prefer = n == 1 ? Prefer::threads : Prefer::processes,
          .require = Require::shared_memory,
          .verbose = n,
          .timeout = Seconds(n),
          .task_timeout = Seconds(n),
          .retries = n,
          .pre_dispatch = n,
          .batch_size = n,
          .temp_folder = std::string(static_cast<std::size_t>(n), 'f'),
          .max_nbytes = n,
          .mmap_mode = n == 1 ? MmapMode::read : MmapMode::write,
          .inner_max_num_threads = n,
          .initializer = Initializer([&initialised, n] { initialised = n; }),
          .max_pending_results = n,
          .observer = observer,
          .trace = std::string(static_cast<std::size_t>(n), 't'),
          .stop_token = token,
          .idempotent = n == 1,
          .priority = n,
          .backend_options = ThreadsOptions{.idle_timeout = std::chrono::milliseconds(n)}};
}

void expect_same(const ParallelOptions& seen, const ParallelOptions& wanted, int n,
                 const int& initialised) {
  // Naming all fields makes sure that none is forgotten when one is added.
  const auto& [n_jobs, backend, prefer, require, verbose, timeout, task_timeout, retries,
               pre_dispatch, batch_size, temp_folder, max_nbytes, mmap_mode, inner_max_num_threads,
               initializer, max_pending_results, observer, trace, stop_token, idempotent, priority,
               backend_options] = seen;
  EXPECT_EQ(n_jobs, wanted.n_jobs);
  EXPECT_EQ(backend, wanted.backend);
  EXPECT_EQ(prefer, wanted.prefer);
  EXPECT_EQ(require, wanted.require);
  EXPECT_EQ(verbose, wanted.verbose);
  EXPECT_EQ(timeout, wanted.timeout);
  EXPECT_EQ(task_timeout, wanted.task_timeout);
  EXPECT_EQ(retries, wanted.retries);
  EXPECT_EQ(pre_dispatch.value().tasks, n);
  EXPECT_EQ(batch_size.value().count, n);
  EXPECT_EQ(temp_folder, wanted.temp_folder);
  EXPECT_EQ(max_nbytes, wanted.max_nbytes);
  EXPECT_EQ(mmap_mode, wanted.mmap_mode);
  EXPECT_EQ(inner_max_num_threads, wanted.inner_max_num_threads);
  initializer.value()();
  EXPECT_EQ(initialised, n);
  EXPECT_EQ(max_pending_results, wanted.max_pending_results);
  EXPECT_EQ(observer, wanted.observer);
  EXPECT_EQ(trace, wanted.trace);
  EXPECT_EQ(stop_token, wanted.stop_token);
  EXPECT_EQ(idempotent, wanted.idempotent);
  EXPECT_EQ(priority, wanted.priority);
  ThreadsOptions threads;
  EXPECT_TRUE(BackendOptions::read(&backend_options.value(), threads).ok());
  EXPECT_EQ(threads.idle_timeout, std::chrono::milliseconds(n));
}

TEST(Config, FillsEveryFieldThatIsOpenAndNoOther) {
  int initialised = 0;
  const std::stop_source first, second;
  const ParallelOptions inner =
      every_option(1, std::make_shared<Witness>(), first.get_token(), initialised);
  const ParallelOptions outer =
      every_option(2, std::make_shared<Witness>(), second.get_token(), initialised);
  expect_same(detail::merge({}, outer), outer, 2, initialised);
  expect_same(detail::merge(inner, outer), inner, 1, initialised);
  expect_same(detail::merge(inner, {}), inner, 1, initialised);
}

TEST(Config, LeavesTheOptionsOfAnotherBackend) {
  const ParallelOptions merged = detail::merge(
      {.backend = "sequential"},
      {.backend = "threads", .inner_max_num_threads = 2, .backend_options = ThreadsOptions{}});
  EXPECT_FALSE(merged.backend_options.has_value());
  EXPECT_FALSE(merged.inner_max_num_threads.has_value());
}

TEST(Config, RefusesThreadsOfWorkersWhereThereAreNone) {
  for (const char* backend : {"threads", "sequential"}) {
    EXPECT_THROW(parallel_config({.backend = backend, .inner_max_num_threads = 2}),
                 std::invalid_argument)
        << backend;
  }
  EXPECT_THROW(parallel_config({.inner_max_num_threads = 2}), std::invalid_argument);
  EXPECT_NO_THROW(parallel_config({.backend = "processes", .inner_max_num_threads = 2}));
  EXPECT_NO_THROW(parallel_config({.prefer = Prefer::processes, .inner_max_num_threads = 2}));
}

TEST(Config, DoesNotReachIntoTasks) {
  const auto scope = parallel_config({.n_jobs = 2, .backend = "threads"});
  Parallel parallel;
  for (const int inner : parallel(std::views::iota(0, 20) | std::views::transform([](int) {
                                    return delayed([] { return call_with({}).workers; });
                                  }))) {
    EXPECT_EQ(inner, 1);
  }
}

TEST(Prefer, IsAWishThatAChosenBackendOverrules) {
  EXPECT_EQ(call_with({.n_jobs = 2, .prefer = Prefer::threads}).backend, "threads");
  EXPECT_EQ(call_with({.n_jobs = 2, .backend = "sequential", .prefer = Prefer::threads}).backend,
            "sequential");
  const auto scope = parallel_config({.backend = "sequential"});
  EXPECT_EQ(call_with({.n_jobs = 2, .prefer = Prefer::threads}).backend, "sequential");
}

class WithABackendElsewhere : public ::testing::Test {
 protected:
  void SetUp() override {
    register_parallel_backend("elsewhere", [] {
      return std::make_unique<testkit::ManualBackend>(testkit::ManualBackend::make_queue(), 2);
    });
  }
};

TEST_F(WithABackendElsewhere, RequireOverrulesTheScopesBackendAndItsNJobs) {
  const auto scope = parallel_config({.n_jobs = 5, .backend = "elsewhere"});
  const Seen given = call_with({.n_jobs = 3, .require = Require::shared_memory});
  EXPECT_EQ(given.backend, "threads");
  EXPECT_EQ(given.workers, 3);
  EXPECT_EQ(call_with({.require = Require::shared_memory}).workers, 1);
}

TEST_F(WithABackendElsewhere, RequireContradictsABackendNamedBesideIt) {
  EXPECT_THROW(Parallel({.backend = "elsewhere", .require = Require::shared_memory}),
               std::invalid_argument);
}

TEST(Registry, MakesABackendTheDefaultOnRequest) {
  register_parallel_backend(
      "first_choice", [] { return detail::make_backend("sequential"); }, true);
  EXPECT_EQ(call_with({.n_jobs = 2}).backend, "first_choice");
  // Back to what it was, for the tests that follow: the last one to ask is the default.
  register_parallel_backend(
      "threads", [] { return nullptr; }, true);
  detail::register_threads_backend();
  EXPECT_EQ(call_with({.n_jobs = 2}).backend, "threads");
}

TEST(Nesting, GoesFromThreadsToThreadsToSequential) {
  const auto in_task = [](auto inner) {
    Parallel parallel({.n_jobs = 2});
    return parallel(std::views::iota(0, 2) |
                    std::views::transform([inner](int) { return delayed(inner); }))[0];
  };
  const auto level_one = [] { return call_with({.n_jobs = 2}).backend; };
  EXPECT_EQ(in_task(level_one), "threads");
  const auto level_two = [in_task, level_one] { return in_task(level_one); };
  EXPECT_EQ(in_task(level_two), "sequential");
}

TEST(Nesting, LeavesCallsInsideSequentialTasksAsTheyAre) {
  Parallel outer({.n_jobs = 1});
  const auto seen =
      outer(std::views::iota(0, 1) | std::views::transform([](int) {
              return delayed([] {
                return this_worker().nesting_level * 100 + call_with({.n_jobs = 3}).workers;
              });
            }));
  EXPECT_EQ(seen[0], 3);
}

struct Level {
  static inline std::atomic<int> now{0}, most{0};
};

int leaf(int microseconds) {
  const int running = ++Level::now;
  for (int seen = Level::most;
       running > seen && !Level::most.compare_exchange_weak(seen, running);) {
  }
  burn_and_return(microseconds);
  --Level::now;
  return 1;
}

int nested_sum(int depth) {
  if (depth == 0) return leaf(50);
  Parallel parallel({.n_jobs = -1, .backend = "threads"});
  int sum = 0;
  for (const int part : parallel(std::views::iota(0, 5) | std::views::transform([depth](int) {
                                   return delayed<nested_sum>(depth - 1);
                                 }))) {
    sum += part;
  }
  return sum;
}

TEST(Nesting, SharesOneBudgetOfCores) {
  for (int round = 0; round != 20; ++round) {
    Level::most = 0;
    EXPECT_EQ(nested_sum(3), 125);
    EXPECT_LE(Level::most, cpu_count());
  }
}

TEST(Nesting, EndsThoughInnerCallsWait) {
  // Every worker holds an outer task that waits for an inner call.
  Parallel parallel({.n_jobs = 4});
  std::barrier all_inside(4);
  const auto sums = parallel(std::views::iota(0, 4) | std::views::transform([&](int) {
                               return delayed([&all_inside] {
                                 all_inside.arrive_and_wait();
                                 Parallel inner({.n_jobs = 4});
                                 int sum = 0;
                                 for (const int x : inner(squares(100))) sum += x;
                                 return sum;
                               });
                             }));
  for (const int sum : sums) EXPECT_EQ(sum, 328'350);
}

// Every thread of the budget reads a generator, so that no other is left to run the generators'
// tasks.
TEST(Nesting, EndsThoughEveryTaskReadsAGenerator) {
  for (int round = 0; round != 20; ++round) {
    Parallel parallel({.n_jobs = -1});
    const auto sums = parallel(std::views::iota(0, 8) | std::views::transform([](int) {
                                 return delayed([] {
                                   Parallel inner({.n_jobs = -1, .backend = "threads"});
                                   int sum = 0;
                                   for (const int x : inner.generator(squares(100))) sum += x;
                                   for (const int x : inner.generator_unordered(squares(100)))
                                     sum += x;
                                   return sum;
                                 });
                               }));
    for (const int sum : sums) ASSERT_EQ(sum, 2 * 328'350);
  }
}

int endless(int depth) {
  Parallel parallel({.n_jobs = 2});
  return parallel(std::views::iota(0, 1) |
                  std::views::transform([depth](int) { return delayed<endless>(depth + 1); }))[0];
}

TEST(Nesting, EndsEndlessRecursionWithAnError) {
  EXPECT_THROW(endless(0), std::logic_error);
}

TEST(ThisWorker, NamesDistinctWorkersForTasksThatRunAtOnce) {
  constexpr int jobs = 5;
  std::barrier meet(jobs);
  Parallel parallel({.n_jobs = jobs});
  auto indexes = parallel(std::views::iota(0, jobs) | std::views::transform([&](int) {
                            return delayed([&meet] {
                              const int index = this_worker().index;
                              meet.arrive_and_wait();
                              return index;
                            });
                          }));
  std::sort(indexes.begin(), indexes.end());
  EXPECT_EQ(indexes, (std::vector<int>{0, 1, 2, 3, 4}));
  EXPECT_EQ(this_worker().index, -1);
  EXPECT_EQ(this_worker().nesting_level, 0);
}

}  // namespace
}  // namespace paracord
