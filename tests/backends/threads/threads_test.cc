#include "paracord/backends/threads/threads.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <string>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/core/forks.h"
#include "paracord/tests/core/test_tasks.h"

#ifdef __SANITIZE_THREAD__
// Threads in the child of a fork are what one of the tests is about.
extern "C" const char* __tsan_default_options() {
  return "die_after_fork=0";
}
#endif

namespace paracord {
namespace {

using namespace std::chrono_literals;

// The pool's threads, by their name: a sanitizer may have threads of its own.
int pool_threads() {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream file(entry.path() / "comm");
    std::string name;
    count += std::getline(file, name) && name == "paracord";
  }
  return count;
}

TEST(Threads, CallerHelpsWithItsOwnCallOnly) {
  // Two callers, each with tasks that note which caller they belong to; a caller's thread must see
  // its own only.
  std::atomic<int> foreign{0};
  const auto caller = [&foreign](int me) {
    const auto my_thread = std::this_thread::get_id();
    static std::atomic<std::thread::id> callers[2];
    callers[me] = my_thread;
    Parallel parallel({.n_jobs = 2});
    for (int round = 0; round != 100; ++round) {
      parallel(std::views::iota(0, 50) | std::views::transform([&, me](int) {
                 return delayed([&foreign, me] {
                   if (callers[1 - me].load() == std::this_thread::get_id()) ++foreign;
                 });
               }));
    }
  };
  { std::jthread one(caller, 0), two(caller, 1); }
  EXPECT_EQ(foreign, 0);
}

TEST(Threads, UsesTheCallersThreadAmongItsWorkers) {
  Parallel parallel({.n_jobs = 2});
  const auto ids = parallel(std::views::iota(0, 200) | std::views::transform([](int) {
                              return delayed([] {
                                burn_and_return(20);
                                return std::this_thread::get_id();
                              });
                            }));
  const std::set<std::thread::id> distinct(ids.begin(), ids.end());
  EXPECT_TRUE(distinct.contains(std::this_thread::get_id()));
  EXPECT_LE(distinct.size(), 2u);
}

TEST(Threads, SharesItsThreadsBetweenObjects) {
  constexpr int jobs = 4;
  const int before = pool_threads();  // of other tests in this process
  for (int i = 0; i != 250; ++i) (void)Parallel({.n_jobs = jobs})(squares(1000));
  EXPECT_LE(pool_threads(), std::max(before, jobs));
}

TEST(Threads, EndsThreadsThatStayIdle) {
  (void)Parallel({.n_jobs = 4, .backend_options = ThreadsOptions{.idle_timeout = 1ms}})(
      std::views::iota(0, 100) |
      std::views::transform([](int) { return delayed<burn_and_return>(50); }));
  // Bounded by the test's timeout; nothing is asserted about how soon.
  while (pool_threads() > 0) std::this_thread::yield();
  EXPECT_EQ(Parallel({.n_jobs = 4})(squares(100)), expected_squares(100));
  (void)Parallel({.n_jobs = 2, .backend_options = ThreadsOptions{}})(squares(3));
}

TEST(Threads, WorkInTheChildOfAFork) {
  if (!children_can_allocate) GTEST_SKIP() << "this sanitizer's allocator does not stand a fork";
  (void)Parallel({.n_jobs = 3})(squares(100));
  const pid_t child = fork();
  if (child == 0) {
    alarm(20);  // a hang ends the child, not the test
    _exit(Parallel({.n_jobs = 3})(squares(1000)) == expected_squares(1000) ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

// A long call must not keep the budget's threads from another one for its whole length.
TEST(Threads, LetOthersHaveATurn) {
  if (cpu_count() < 2) GTEST_SKIP() << "a budget of one CPU has no thread but the caller's";
  // Holds all threads of the budget: none of them ever lacks a next batch.
  Parallel long_one({.n_jobs = -1, .max_pending_results = 1'000'000'000});
  const auto endless = long_one.generator(std::views::iota(0) | std::views::transform([](int) {
                                            return delayed<burn_and_return>(20);
                                          }));
  for (int round = 0; round != 3; ++round) {
    std::latch both(2);  // the caller alone cannot get past it
    Parallel({.n_jobs = -1})(std::views::iota(0, 2) | std::views::transform([&](int) {
                               return delayed([&both] { both.arrive_and_wait(); });
                             }));
  }
}

// One task in the middle of what was read together takes as long as all the others.
TEST(Threads, BalanceTasksOfVeryDifferentCost) {
  Parallel parallel({.n_jobs = 2, .batch_size = 1});
  for (int i = 0; i != 20; ++i)
    (void)parallel(squares(10'000));  // from now on many are read at once
  constexpr int count = 2000;
  for (const int longest : {1, 100, count / 2 + 1}) {
    std::atomic<int> others{0};
    parallel(std::views::iota(0, count) | std::views::transform([&](int i) {
               return delayed(
                   [&others, longest](int x) {
                     if (x != longest) {
                       ++others;
                       others.notify_all();
                       return;
                     }
                     for (int seen = others; seen != count - 1; seen = others) others.wait(seen);
                   },
                   i);
             }));
    EXPECT_EQ(others, count - 1);
  }
}

}  // namespace
}  // namespace paracord
