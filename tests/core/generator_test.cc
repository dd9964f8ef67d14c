#include "paracord/core/generator.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>
#include <optional>
#include <ranges>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

class EachBackendGenerator : public ::testing::TestWithParam<const char*> {
 protected:
  Parallel parallel{{.n_jobs = 3, .backend = GetParam()}};
};
INSTANTIATE_TEST_SUITE_P(Backends, EachBackendGenerator,
                         ::testing::Values("threads", "sequential"));

TEST_P(EachBackendGenerator, GivesResultsInOrder) {
  int next = 0;
  for (const int result : parallel.generator(squares(10'000))) {
    ASSERT_EQ(result, next * next);
    ++next;
  }
  EXPECT_EQ(next, 10'000);
}

TEST_P(EachBackendGenerator, GivesEachResultOnceInAnyOrder) {
  std::vector<int> seen(10'000);
  for (const int result :
       parallel.generator_unordered(std::views::iota(0, 10'000) | std::views::transform([](int i) {
                                      return delayed([](int x) { return x; }, i);
                                    }))) {
    ++seen[static_cast<std::size_t>(result)];
  }
  EXPECT_EQ(seen, std::vector<int>(10'000, 1));
}

TEST_P(EachBackendGenerator, ReadsAnInfiniteRange) {
  int next = 0;
  for (const int result : parallel.generator(std::views::iota(0) | as_squares)) {
    ASSERT_EQ(result, next * next);
    if (++next == 1000) break;
  }
  EXPECT_EQ(parallel(squares(10)), expected_squares(10));
}

TEST_P(EachBackendGenerator, IsEmptyForAnEmptyRange) {
  auto generator = parallel.generator(squares(0));
  EXPECT_TRUE(generator.begin() == generator.end());
}

TEST_P(EachBackendGenerator, WorksInAPipeline) {
  std::vector<int> first;
  for (const int result : parallel.generator(squares(100)) | std::views::take(3))
    first.push_back(result);
  EXPECT_EQ(first, (std::vector<int>{0, 1, 4}));
}

TEST_P(EachBackendGenerator, RunsVoidTasks) {
  std::atomic<int> ran{0};
  int read = 0;
  for (auto&& nothing :
       parallel.generator(std::views::iota(0, 100) |
                          std::views::transform([&](int) { return delayed([&ran] { ++ran; }); }))) {
    (void)nothing;
    ++read;
  }
  EXPECT_EQ(ran, 100);
  EXPECT_EQ(read, 100);
}

TEST_P(EachBackendGenerator, LetsResultsBeMovedOut) {
  std::vector<std::unique_ptr<int>> taken;
  for (auto& result :
       parallel.generator(std::views::iota(0, 100) | std::views::transform([](int i) {
                            return delayed([](int n) { return std::make_unique<int>(n); }, i);
                          }))) {
    taken.push_back(std::move(result));
  }
  for (int i = 0; i != 100; ++i) EXPECT_EQ(*taken[static_cast<std::size_t>(i)], i);
}

TEST_P(EachBackendGenerator, GivesWhatWasDoneBeforeAFailureThenThrows) {
  int read = 0;
  std::atomic<int> done{0};
  EXPECT_THROW(
      {
        for (const int result :
             parallel.generator(std::views::iota(0, 1000) | std::views::transform([&](int i) {
                                  return delayed(
                                      [&done](int x) {
                                        if (x < 50) ++done;
                                        while (x == 50 && done < 50) std::this_thread::yield();
                                        if (x == 50) throw std::range_error("fifty");
                                        return x;
                                      },
                                      i);
                                }))) {
          ASSERT_EQ(result, read);
          ++read;
        }
      },
      std::range_error);
  EXPECT_EQ(read, 50);
  EXPECT_EQ(parallel(squares(10)), expected_squares(10));
}

TEST_P(EachBackendGenerator, RefusesAnotherCallWhileItIsOpen) {
  auto generator = std::make_optional(parallel.generator(squares(1000)));
  (void)generator->begin();
  EXPECT_THROW(parallel(squares(3)), std::logic_error);
  EXPECT_THROW((void)parallel.generator(squares(3)), std::logic_error);
  generator.reset();
  EXPECT_EQ(parallel(squares(3)), expected_squares(3));
}

TEST_P(EachBackendGenerator, LetsGoOfItsParallelAtItsEnd) {
  auto generator = parallel.generator(squares(100));
  for (auto it = generator.begin(); it != generator.end(); ++it) {
  }
  EXPECT_EQ(parallel(squares(3)), expected_squares(3));

  auto failing = parallel.generator_unordered(
      std::views::iota(0, 1) | std::views::transform([](int) { return delayed([] { throw 1; }); }));
  EXPECT_THROW((void)failing.begin(), int);
  EXPECT_EQ(parallel(squares(3)), expected_squares(3));
  EXPECT_TRUE(generator.begin() == generator.end());
}

// joblib's worst defect: what a failed or abandoned call leaves in the queue runs in the next one.
TEST_P(EachBackendGenerator, LeavesNothingToTheNextCall) {
  for (int round = 0; round != 60; ++round) {
    EXPECT_THROW(parallel(std::views::iota(0, 200) | std::views::transform([](int i) {
                            return delayed(
                                [](int x) {
                                  if (x == 20) throw std::runtime_error("failed");
                                  return burn_and_return(x % 5) - 1000;
                                },
                                i);
                          })),
                 std::runtime_error);
    {
      auto abandoned = parallel.generator(std::views::iota(0, 500) | std::views::transform([](int) {
                                            return delayed([] { return -1; });
                                          }));
      EXPECT_EQ(*abandoned.begin(), -1);
    }
    ASSERT_EQ(parallel(squares(30)), expected_squares(30));
  }
}

TEST(Generator, StartsItsTasksBeforeAnythingIsRead) {
  std::latch both(2);
  Parallel parallel({.n_jobs = 2});
  auto generator = parallel.generator(std::views::iota(0, 2) | std::views::transform([&](int) {
                                        return delayed([&both] { both.arrive_and_wait(); });
                                      }));
  both.wait();
}

TEST(Generator, GivesFastTasksFirstWhenUnordered) {
  std::latch others_read(9);
  Parallel parallel({.n_jobs = 2, .batch_size = 1});
  std::vector<int> order;
  for (const int result :
       parallel.generator_unordered(std::views::iota(0, 10) | std::views::transform([&](int i) {
                                      return delayed(
                                          [&](int x) {
                                            if (x == 0) others_read.wait();
                                            return x;
                                          },
                                          i);
                                    }))) {
    order.push_back(result);
    if (result != 0) others_read.count_down();
  }
  EXPECT_EQ(order.size(), 10u);
  EXPECT_EQ(order.back(), 0);
}

// 10,000 results of 1 MB and a slow reader: never more than max_pending_results of them exist.
struct Megabyte {
  static inline std::atomic<int> alive{0}, most{0};
  std::vector<char> bytes;
  explicit Megabyte(int value) : bytes(1'000'000, static_cast<char>(value)) {
    const int now = ++alive;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
  }
  Megabyte(Megabyte&& other) noexcept : bytes(std::move(other.bytes)) { ++alive; }
  ~Megabyte() { --alive; }
};

TEST(Generator, KeepsNoMoreResultsThanAllowed) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int results = 1'000;  // each costs a millisecond of page faults there
#else
  constexpr int results = 10'000;
#endif
  for (const std::size_t allowed : {std::size_t{1}, std::size_t{6}}) {
    Megabyte::most = 0;
    Parallel parallel({.n_jobs = 2, .max_pending_results = allowed});
    int read = 0;
    const int count = allowed == 1 ? 500 : results;
    for (const Megabyte& result :
         parallel.generator(std::views::iota(0, count) | std::views::transform([](int i) {
                              return delayed([](int x) { return Megabyte(x); }, i);
                            }))) {
      ASSERT_EQ(result.bytes[0], static_cast<char>(read));
      if (++read % 100 == 0) std::this_thread::yield();
    }
    EXPECT_EQ(read, count);
    EXPECT_LE(Megabyte::most, static_cast<int>(allowed));
    EXPECT_EQ(Megabyte::alive, 0);
  }
}

TEST_P(EachBackendGenerator, ReadsAllFirstWhenToldTo) {
  Parallel all({.n_jobs = 3,
                .backend = GetParam(),
                .pre_dispatch = PreDispatch::all,
                .max_pending_results = 4});
  int read = 0;
  std::atomic<int> ran{0};
  auto results = all.generator(std::views::iota(0, 200) | std::views::transform([&](int i) {
                                 ++read;
                                 return delayed(
                                     [&ran](int x) {
                                       ++ran;
                                       return x * x;
                                     },
                                     i);
                               }));
  EXPECT_EQ(read, 200);
  int next = 0;
  for (const int result : results) {
    ASSERT_EQ(result, next * next);
    ++next;
    EXPECT_LE(ran, next + 4);
  }
  EXPECT_EQ(next, 200);
}

// Fewer than two for each of the workers, and no multiple of them.
TEST(Generator, ReadsAsFarAheadAsItIsAskedTo) {
  for (const int ahead : {1, 2, 3, 5}) {
    std::latch go{1};
    std::atomic<int> read{0};
    Parallel parallel({.n_jobs = 2, .pre_dispatch = ahead});
    auto results = parallel.generator(std::views::iota(0, 20) | std::views::transform([&](int i) {
                                        ++read;
                                        return delayed(
                                            [&go](int x) {
                                              go.wait();
                                              return x;
                                            },
                                            i);
                                      }));
    EXPECT_EQ(read, std::min(ahead, 4));
    go.count_down();
    int next = 0;
    for (const int result : results) ASSERT_EQ(result, next++);
    EXPECT_EQ(next, 20);
  }
}

// With few places each result is a hand-over between reader and workers; one that is missed ends in
// a hang.
TEST(Generator, MissesNoHandOver) {
  for (int round = 0; round != 10; ++round) {
    for (const std::size_t places : {1, 2, 3, 6}) {
      Parallel parallel({.n_jobs = 2, .max_pending_results = places});
      int next = 0;
      for (const int result : parallel.generator(squares(3000))) {
        ASSERT_EQ(result, next * next);
        ++next;
      }
      int count = 0;
      for ([[maybe_unused]] const int result : parallel.generator_unordered(squares(3000))) ++count;
      ASSERT_EQ(count, 3000);
    }
  }
}

TEST(Generator, BoundsTheBytesOfResultsByDefault) {
  std::atomic<int> started{0};
  int read = 0, most_ahead = 0;
  Parallel parallel({.n_jobs = 2});
  (void)parallel(squares(40'000));  // what was learnt of small tasks does not count
  for (const auto& result :
       parallel.generator(std::views::iota(0, 60) | std::views::transform([&](int) {
                            return delayed([&started] {
                              ++started;
                              return std::vector<char>(30'000'000);
                            });
                          }))) {
    (void)result;
    most_ahead = std::max(most_ahead, started - read);
    ++read;
  }
  // 64 MiB hold two such results; before the first is there, their size is unknown.
  EXPECT_LE(most_ahead, 4);
}

TEST(Generator, OutlivesItsParallel) {
  auto parallel = std::make_optional<Parallel>(ParallelOptions{.n_jobs = 2});
  auto generator = parallel->generator(squares(2000));
  parallel.reset();
  int count = 0;
  for (const int result : generator) {
    EXPECT_EQ(result, count * count);
    ++count;
  }
  EXPECT_EQ(count, 2000);
}

TEST(Generator, CancelsOnlyItsOwnCall) {
  Parallel first({.n_jobs = 2}), second({.n_jobs = 2});
  auto kept = second.generator(squares(3000));
  auto it = kept.begin();
  {
    auto dropped = first.generator(squares(3000));
    (void)dropped.begin();
  }
  int count = 0;
  for (; it != kept.end(); ++it) {
    ASSERT_EQ(*it, count * count);
    ++count;
  }
  EXPECT_EQ(count, 3000);
}

TEST(Generator, WaitsForRunningTasksWhenDestroyed) {
  std::atomic<int> running{0};
  for (int round = 0; round != 50; ++round) {
    {
      Parallel parallel({.n_jobs = 3});
      auto generator =
          parallel.generator(std::views::iota(0, 1000) | std::views::transform([&](int) {
                               return delayed([&running] {
                                 ++running;
                                 burn_and_return(20);
                                 --running;
                               });
                             }));
      (void)generator.begin();
    }
    ASSERT_EQ(running, 0);
  }
}

}  // namespace
}  // namespace paracord
