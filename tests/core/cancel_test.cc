// Calls that end early: stop_token, timeout, task_timeout.

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <ranges>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

using namespace std::chrono_literals;

// A long task that behaves: it ends when it is asked to.
int waits_to_be_stopped() {
  while (!stop_requested()) std::this_thread::yield();
  return 1;
}

auto patient_tasks(int count) {
  return std::views::iota(0, count) |
         std::views::transform([](int) { return delayed<waits_to_be_stopped>(); });
}

class EachBackendEnding : public ::testing::TestWithParam<const char*> {
 protected:
  Parallel make(ParallelOptions options) {
    options.n_jobs = 2;
    options.backend = GetParam();
    return Parallel(options);
  }
};
INSTANTIATE_TEST_SUITE_P(Backends, EachBackendEnding, ::testing::Values("threads", "sequential"));

TEST_P(EachBackendEnding, ByATokenFromAnotherThread) {
  std::stop_source source;
  Parallel parallel = make({.stop_token = source.get_token()});
  std::latch started(1);
  std::atomic<int> running{0};
  std::jthread canceller([&] {
    started.wait();
    source.request_stop();
  });
  EXPECT_THROW(parallel(std::views::iota(0, 100'000) | std::views::transform([&](int i) {
                          return delayed(
                              [&](int x) {
                                ++running;
                                if (x == 0) started.count_down();
                                waits_to_be_stopped();
                                --running;
                              },
                              i);
                        })),
               CancelledError);
  EXPECT_EQ(running, 0);  // nothing of it runs any more
}

TEST_P(EachBackendEnding, ByATokenThatWasTriggeredBefore) {
  std::stop_source source;
  source.request_stop();
  Parallel parallel = make({.stop_token = source.get_token()});
  std::atomic<int> ran{0};
  EXPECT_THROW(parallel(std::views::iota(0, 10) |
                        std::views::transform([&](int) { return delayed([&ran] { ++ran; }); })),
               CancelledError);
  EXPECT_EQ(ran, 0);
}

TEST_P(EachBackendEnding, ByATokenTriggeredInATask) {
  std::stop_source source;
  Parallel parallel = make({.stop_token = source.get_token()});
  EXPECT_THROW(parallel(std::views::iota(0, 100'000) | std::views::transform([&](int i) {
                          return delayed(
                              [&source](int x) {
                                if (x == 100) source.request_stop();
                              },
                              i);
                        })),
               CancelledError);
}

// The range itself asks for the end: what it gave last must not be waited for, whoever reads it.
TEST_P(EachBackendEnding, ByATokenTriggeredWhileTheInputIsRead) {
  const std::optional<PreDispatch> ahead[] = {std::nullopt, PreDispatch{1}, PreDispatch{24},
                                              PreDispatch::all};
  for (const auto& pre_dispatch : ahead) {
    for (const int last_read : {0, 1, 10, 23, 24, 30, 99}) {
      std::stop_source source;
      Parallel parallel = make({.pre_dispatch = pre_dispatch, .stop_token = source.get_token()});
      const auto input = std::views::iota(0, 100) | std::views::transform([&](int i) {
                           if (i == last_read) source.request_stop();
                           return delayed<square>(i);
                         });
      EXPECT_THROW(parallel(input), CancelledError);
      // The same, of an input that does not know its length.
      std::stop_source again;
      Parallel unsized = make({.pre_dispatch = pre_dispatch, .stop_token = again.get_token()});
      EXPECT_THROW(unsized(std::views::iota(0, 100) | std::views::filter([](int) { return true; }) |
                           std::views::transform([&](int i) {
                             if (i == last_read) again.request_stop();
                             return delayed<square>(i);
                           })),
                   CancelledError);
    }
  }
}

TEST_P(EachBackendEnding, ByATimeoutWhileTheWholeInputIsRead) {
  Parallel parallel = make({.timeout = 1ms, .pre_dispatch = PreDispatch::all});
  EXPECT_THROW(parallel(std::views::iota(0) | as_squares), TimeoutError);
}

TEST_P(EachBackendEnding, ByATokenWhileAGeneratorIsRead) {
  std::stop_source source;
  Parallel parallel = make({.stop_token = source.get_token()});
  int read = 0;
  EXPECT_THROW(
      {
        for (const int x : parallel.generator(std::views::iota(0) | as_squares)) {
          (void)x;
          if (++read == 500) source.request_stop();
        }
      },
      CancelledError);
  EXPECT_GE(read, 500);
}

TEST_P(EachBackendEnding, ByATimeoutOfTheCall) {
  Parallel parallel = make({.timeout = 20ms});
  for (int round = 0; round != 3; ++round) {
    EXPECT_THROW(parallel(patient_tasks(10)), TimeoutError);
    EXPECT_EQ(parallel(squares(5)), expected_squares(5));
  }
}

// Each attempt is short: nobody is idle who would look at the clock.
TEST_P(EachBackendEnding, ByATimeoutThoughTasksAreRetried) {
  Parallel parallel = make({.timeout = 50ms, .retries = 1'000'000'000});
  EXPECT_THROW(parallel(std::views::iota(0, 4) | std::views::transform([](int) {
                          return delayed([] { throw std::runtime_error("once more"); });
                        })),
               TimeoutError);
}

TEST_P(EachBackendEnding, NotByATimeoutThatIsLongEnough) {
  for (const Seconds enough : {Seconds(1h), Seconds(std::chrono::hours::max()), Seconds::max()}) {
    Parallel parallel = make({.timeout = enough, .task_timeout = enough});
    EXPECT_EQ(parallel(squares(1000)), expected_squares(1000));
    for (int i = 0; const int x : parallel.generator(squares(100))) {
      ASSERT_EQ(x, i * i);
      ++i;
    }
  }
}

TEST_P(EachBackendEnding, ByATimeoutOfATask) {
  Parallel parallel = make({.task_timeout = 10ms});
  try {
    parallel(patient_tasks(4));
    FAIL() << "nothing was thrown";
  } catch (const TimeoutError& error) {
    EXPECT_NE(std::string(error.what()).find("task_timeout"), std::string::npos);
    EXPECT_TRUE(task_error(error).has_value());
  }
  EXPECT_EQ(parallel(squares(5)), expected_squares(5));
}

TEST_P(EachBackendEnding, OfOneTaskOnlyInOutcomes) {
  Parallel parallel = make({.task_timeout = 20ms});
  const auto outcomes = parallel.outcomes(
      std::views::iota(0, 20) | std::views::transform([](int i) {
        return delayed([](int x) { return x == 7 ? waits_to_be_stopped() : x; }, i);
      }));
  for (std::size_t i = 0; i != 20; ++i) EXPECT_EQ(outcomes[i].has_value(), i != 7) << i;
  EXPECT_THROW((void)outcomes[7].value(), TimeoutError);
}

TEST_P(EachBackendEnding, OfAGeneratorByATimeoutComesWhenItIsRead) {
  Parallel parallel = make({.timeout = 20ms});
  auto generator = parallel.generator(patient_tasks(4));
  EXPECT_THROW((void)generator.begin(), TimeoutError);
}

TEST(Ending, ByAFailureTellsTheOthersToStop) {
  Parallel parallel({.n_jobs = 2});
  std::latch other_runs(1);
  EXPECT_THROW(parallel(std::views::iota(0, 2) | std::views::transform([&](int i) {
                          return delayed(
                              [&](int x) {
                                if (x == 0) {
                                  other_runs.wait();
                                  throw std::runtime_error("first");
                                }
                                other_runs.count_down();
                                waits_to_be_stopped();
                              },
                              i);
                        })),
               std::runtime_error);
}

TEST(Ending, WinsWithTheFirstError) {
  Parallel parallel({.n_jobs = 2});
  for (int round = 0; round != 20; ++round) {
    try {
      parallel(std::views::iota(0, 2) | std::views::transform([&](int i) {
                 return delayed(
                     [](int x) {
                       if (x == 1) throw std::runtime_error("first");
                       waits_to_be_stopped();
                       throw std::runtime_error("second");
                     },
                     i);
               }));
      FAIL();
    } catch (const std::runtime_error& error) {
      EXPECT_STREQ(error.what(), "first");
    }
  }
}

TEST(StopRequested, IsFalseOutsideTasks) {
  EXPECT_FALSE(stop_requested());
}

}  // namespace
}  // namespace paracord
