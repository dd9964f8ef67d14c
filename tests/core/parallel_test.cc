#include "paracord/core/parallel.h"

#include <gtest/gtest.h>

#include <array>
#include <atomic>
#include <barrier>
#include <coroutine>
#include <forward_list>
#include <iterator>
#include <latch>
#include <memory>
#include <numeric>
#include <random>
#include <ranges>
#include <sstream>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

// A coroutine as a range, as std::generator is: move-only, single-pass, each step runs the body on.
class Counter {
 public:
  struct promise_type {
    int value = 0;
    Counter get_return_object() { return Counter(Handle::from_promise(*this)); }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    std::suspend_always yield_value(int next) {
      value = next;
      return {};
    }
    void return_void() {}
    void unhandled_exception() { throw; }
  };
  using Handle = std::coroutine_handle<promise_type>;
  struct Iterator {
    using value_type = int;
    using difference_type = std::ptrdiff_t;
    Handle handle;
    int operator*() const { return handle.promise().value; }
    Iterator& operator++() {
      handle.resume();
      return *this;
    }
    void operator++(int) { handle.resume(); }
    bool operator==(std::default_sentinel_t) const { return handle.done(); }
  };
  explicit Counter(Handle handle) : handle_(handle) {}
  Counter(Counter&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Counter& operator=(Counter&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Counter() {
    if (handle_) handle_.destroy();
  }
  Iterator begin() {
    handle_.resume();
    return {handle_};
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  Handle handle_;
};

Counter count_to(int end, int& produced) {
  for (int i = 0; i != end; ++i) {
    produced = i + 1;
    co_yield i;
  }
}

class EachBackend : public ::testing::TestWithParam<const char*> {
 protected:
  Parallel parallel{{.n_jobs = 3, .backend = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Backends, EachBackend, ::testing::Values("threads", "sequential"));

TEST_P(EachBackend, ReturnsResultsInOrderWhateverTheTasksCost) {
  std::mt19937 random(5);
  for (const int count : {1, 2, 5, 64, 200, 3000}) {
    std::vector<int> costs(static_cast<std::size_t>(count));
    for (int& cost : costs) cost = static_cast<int>(random() % 30);
    const auto results = parallel(
        costs | std::views::transform([](int cost) { return delayed<burn_and_return>(cost); }));
    EXPECT_EQ(results, costs);
  }
}

TEST_P(EachBackend, ReturnsNothingForAnEmptyRange) {
  EXPECT_TRUE(parallel(squares(0)).empty());
  std::istringstream exhausted("");
  EXPECT_TRUE(parallel(std::ranges::istream_view<int>(exhausted) | as_squares).empty());
}

TEST_P(EachBackend, ReadsASinglePassRange) {
  std::istringstream text("1 2 3 4 5 6 7");
  EXPECT_EQ(parallel(std::ranges::istream_view<int>(text) | as_squares),
            (std::vector<int>{1, 4, 9, 16, 25, 36, 49}));
}

TEST_P(EachBackend, ReadsForwardAndUnsizedRanges) {
  const std::forward_list<int> list{3, 4};
  EXPECT_EQ(parallel(list | as_squares), (std::vector<int>{9, 16}));
  auto odd = std::views::iota(0, 10) | std::views::filter([](int i) { return i % 2 == 1; });
  EXPECT_EQ(parallel(odd | as_squares), (std::vector<int>{1, 9, 25, 49, 81}));
}

TEST_P(EachBackend, ReadsACoroutineAsFarAsItNeeds) {
  int produced = 0;
  EXPECT_EQ(parallel(count_to(1000, produced) | as_squares), expected_squares(1000));
  produced = 0;
  {
    auto generator = parallel.generator(count_to(1'000'000, produced) | as_squares);
    EXPECT_EQ(*generator.begin(), 0);
  }
  EXPECT_LT(produced, 1'000'000);
}

TEST_P(EachBackend, RunsVoidTasks) {
  std::vector<int> out(100);
  parallel(std::views::iota(0, 100) | std::views::transform([&](int i) {
             return delayed([&out](int at) { out[at] = at + 1; }, i);
           }));
  for (int i = 0; i != 100; ++i) EXPECT_EQ(out[static_cast<std::size_t>(i)], i + 1);
}

TEST_P(EachBackend, ReturnsResultsOfEveryKind) {
  const auto strings = parallel(
      std::views::iota(0, 50) | std::views::transform([](int i) {
        return delayed([](int n) { return std::string(static_cast<std::size_t>(n), 'x'); }, i);
      }));
  for (std::size_t i = 0; i != 50; ++i) EXPECT_EQ(strings[i].size(), i);

  const auto flags = parallel(std::views::iota(0, 9) | std::views::transform([](int i) {
                                return delayed([](int n) { return n % 2 == 0; }, i);
                              }));
  EXPECT_EQ(flags, (std::vector<bool>{true, false, true, false, true, false, true, false, true}));

  const auto pointers =
      parallel(std::views::iota(0, 20) | std::views::transform([](int i) {
                 return delayed([](int n) { return std::make_unique<int>(n); }, i);
               }));
  for (int i = 0; i != 20; ++i) EXPECT_EQ(*pointers[static_cast<std::size_t>(i)], i);

  struct alignas(64) Wide {
    std::array<double, 8> values;
  };
  const auto wide = parallel(std::views::iota(0, 20) | std::views::transform([](int i) {
                               return delayed([](int n) { return Wide{{double(n)}}; }, i);
                             }));
  for (int i = 0; i != 20; ++i) EXPECT_EQ(wide[static_cast<std::size_t>(i)].values[0], i);
}

TEST_P(EachBackend, MovesTasksOutOfAContainerThatItOwns) {
  std::vector<Task<int>> tasks;
  for (int i = 0; i != 30; ++i)
    tasks.emplace_back(
        delayed([](std::unique_ptr<int> n) { return *n; }, std::make_unique<int>(i)));
  const auto results = parallel(std::move(tasks));
  for (int i = 0; i != 30; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
}

TEST_P(EachBackend, LeavesTasksInAContainerThatItBorrows) {
  std::vector tasks{delayed<square>(2), delayed<square>(3)};
  EXPECT_EQ(parallel(tasks), (std::vector<int>{4, 9}));
  EXPECT_EQ(parallel(tasks), (std::vector<int>{4, 9}));
}

TEST_P(EachBackend, PassesOnWhatTheRangeThrowsAndStaysUsable) {
  const auto throwing = std::views::iota(0, 1000) | std::views::transform([](int i) {
                          if (i == 300) throw std::out_of_range("no more input");
                          return delayed<square>(i);
                        });
  for (int round = 0; round != 10; ++round) {
    EXPECT_THROW(parallel(throwing), std::out_of_range);
    EXPECT_EQ(parallel(squares(20)), expected_squares(20));
  }
}

TEST_P(EachBackend, RunsEveryTaskExactlyOnce) {
  for (const int batch : {0, 1, 3, 1000}) {
    std::vector<std::atomic<int>> runs(5000);
    Parallel counting({.n_jobs = 4,
                       .backend = GetParam(),
                       .batch_size = batch == 0 ? BatchSize::automatic : batch});
    counting(std::views::iota(0, 5000) | std::views::transform([&](int i) {
               return delayed([&runs](int at) { ++runs[at]; }, i);
             }));
    for (const auto& count : runs) EXPECT_EQ(count, 1);
  }
}

TEST_P(EachBackend, FreesArgumentsAndResults) {
  auto token = std::make_shared<int>(0);
  parallel(std::views::iota(0, 500) | std::views::transform([&](int) {
             return delayed([](const std::shared_ptr<int>& p) { return p; }, token);
           }));
  EXPECT_EQ(token.use_count(), 1);
}

TEST(ConcurrentRange, GivesTheSameResultsInOrder) {
  Parallel parallel({.n_jobs = 3});
  EXPECT_EQ(parallel(concurrent_range(squares(20'000))), expected_squares(20'000));
  EXPECT_EQ(Parallel({.n_jobs = 1})(concurrent_range(squares(100))), expected_squares(100));
}

TEST(ConcurrentRange, BorrowsAnLvalueAndOwnsAnRvalue) {
  Parallel parallel({.n_jobs = 2});
  const std::vector tasks{delayed<square>(2), delayed<square>(3)};
  EXPECT_EQ(parallel(concurrent_range(tasks)), (std::vector<int>{4, 9}));
  EXPECT_EQ(parallel(concurrent_range(std::vector{delayed<square>(5)})), (std::vector<int>{25}));
}

TEST(ConcurrentRange, WorksWithGeneratorsAndOutcomes) {
  Parallel parallel({.n_jobs = 2});
  int next = 0;
  for (const int result : parallel.generator(concurrent_range(squares(5000)))) {
    EXPECT_EQ(result, next * next);
    ++next;
  }
  EXPECT_EQ(next, 5000);
  EXPECT_EQ(parallel.outcomes(concurrent_range(squares(10))).size(), 10u);
}

TEST(Parallel, RunsOnTheCallersThreadWithOneJob) {
  Parallel parallel({.n_jobs = 1});
  const auto caller = std::this_thread::get_id();
  for (const auto& id : parallel(std::views::iota(0, 20) | std::views::transform([](int) {
                                   return delayed([] { return std::this_thread::get_id(); });
                                 }))) {
    EXPECT_EQ(id, caller);
  }
}

TEST(Parallel, AlternatesReadingAndRunningInGroupsOfABatchWithOneJob) {
  std::string events;
  Parallel parallel({.n_jobs = 1, .batch_size = 3});
  parallel(std::views::iota(0, 7) | std::views::transform([&](int) {
             events += 'r';
             return delayed([&events] { events += 'x'; });
           }));
  EXPECT_EQ(events, "rrrxxxrrrxxxrx");
}

TEST(Parallel, SpreadsTasksThatWaitForEachOtherOverItsWorkers) {
  constexpr int jobs = 8;  // more than there may be CPUs: a positive number is a promise
  std::barrier meet(jobs);
  Parallel parallel({.n_jobs = jobs});
  parallel(std::views::iota(0, jobs) | std::views::transform([&](int) {
             return delayed([&meet] { meet.arrive_and_wait(); });
           }));
}

// The batch size was learnt from tiny tasks; then two tasks in what may be one batch must still run
// side by side.
TEST(Parallel, SharesOutABatchWhoseTasksTurnSlow) {
  Parallel parallel({.n_jobs = 2});
  for (int warm_up = 0; warm_up != 12; ++warm_up) (void)parallel(squares(40'000));
  for (int round = 0; round != 20; ++round) {
    std::barrier meet(2);
    parallel(std::views::iota(0, 64) | std::views::transform([&](int i) {
               return delayed(
                   [&meet](int at) {
                     if (at == 0 || at == 1) meet.arrive_and_wait();
                   },
                   i);
             }));
  }
}

TEST(Parallel, MayBeUsedFromManyThreadsThroughManyObjects) {
  std::atomic<int> wrong{0};
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller != 10; ++caller) {
      callers.emplace_back([&wrong, caller] {
        Parallel parallel({.n_jobs = 1 + caller % 4});
        for (int round = 0; round != 50; ++round)
          wrong += parallel(squares(100)) != expected_squares(100);
      });
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Parallel, RefusesASecondCallWhileOneRuns) {
  Parallel parallel({.n_jobs = 2});
  std::latch started(1), finish(1);
  std::jthread first([&] {
    parallel(std::views::iota(0, 2) | std::views::transform([&](int i) {
               return delayed(
                   [&](int at) {
                     if (at == 0) {
                       started.count_down();
                       finish.wait();
                     }
                   },
                   i);
             }));
  });
  started.wait();
  EXPECT_THROW(parallel(squares(3)), std::logic_error);
  finish.count_down();
  first.join();
  EXPECT_EQ(parallel(squares(3)), expected_squares(3));
}

TEST(Parallel, RunsTheInitializerOnceOnEachWorker) {
  // Pool threads serve many objects: counted is what this one did.
  struct Count {
    int test, times;
  };
  static std::atomic<int> test{0};
  static thread_local Count initialised{0, 0};
  ++test;
  Parallel parallel({.n_jobs = 3, .initializer = Initializer([] {
                                    if (initialised.test != test) initialised = {test, 0};
                                    ++initialised.times;
                                  })});
  for (int round = 0; round != 20; ++round) {
    for (const int times :
         parallel(std::views::iota(0, 100) | std::views::transform([](int) {
                    return delayed([] { return initialised.test == test ? initialised.times : 0; });
                  }))) {
      ASSERT_EQ(times, 1);
    }
  }
}

// A copy would share the threads and the one call at a time.
static_assert(!std::is_copy_constructible_v<Parallel> && !std::is_copy_assignable_v<Parallel>);

TEST(Parallel, CanBeMoved) {
  Parallel first({.n_jobs = 2});
  auto generator = first.generator(squares(100));
  Parallel second = std::move(first);
  EXPECT_THROW(second(squares(3)), std::logic_error) << "its generator is open";
  for (int i = 0; const int x : generator) {
    EXPECT_EQ(x, i * i);
    ++i;
  }
  EXPECT_EQ(second(squares(3)), expected_squares(3));
}

TEST(Parallel, FailsWithWhatTheInitializerThrows) {
  Parallel parallel(
      {.n_jobs = 2, .initializer = Initializer([] { throw std::domain_error("no licence"); })});
  EXPECT_THROW(parallel(squares(100)), std::domain_error);
  EXPECT_THROW(parallel(squares(100)), std::domain_error);
}

TEST(Parallel, ReadsTheWholeInputFirstOnRequest) {
  std::atomic<int> read{0};
  std::atomic<bool> early{false};
  Parallel parallel({.n_jobs = 2, .pre_dispatch = PreDispatch::all});
  parallel(std::views::iota(0, 1000) | std::views::transform([&](int i) {
             ++read;
             return delayed(
                 [&](int) {
                   if (read != 1000) early = true;
                 },
                 i);
           }));
  EXPECT_FALSE(early);
}

TEST(Parallel, ReadsNoFurtherAheadThanPreDispatch) {
  for (const int ahead : {1, 2, 7}) {
    std::atomic<int> read{0}, ended{0}, most{0};
    Parallel parallel({.n_jobs = 3, .pre_dispatch = ahead});
    parallel(std::views::iota(0, 2000) | std::views::transform([&](int) {
               const int open = ++read - ended;
               if (open > most) most = open;
               return delayed([&] { ++ended; });
             }));
    EXPECT_EQ(read, 2000);
    EXPECT_LE(most, ahead);
  }
}

}  // namespace
}  // namespace paracord
