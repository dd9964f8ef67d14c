#include "paracord/apps/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "paracord/apps/commands.h"

namespace paracord::apps {
namespace {

// Each runs in a process of its own, which has one thread at first, and ends with `right`.
constexpr int right = 17;

struct Daemon {
  std::atomic<int> firsts{0}, nexts{0};
  auto serve_with(Termination& termination) {
    return termination.serve([this] { ++firsts; }, [this] { ++nexts; });
  }
};

void wait_for(const std::atomic<int>& count, int value) {
  while (count.load() != value) std::this_thread::yield();
}

void take_three_signals() {
  Termination termination;
  Daemon daemon;
  const auto served = daemon.serve_with(termination);
  kill(getpid(), SIGTERM);
  wait_for(daemon.firsts, 1);
  for (int i = 1; i != 3; ++i) {
    kill(getpid(), SIGINT);
    wait_for(daemon.nexts, i);
  }
  _exit(daemon.firsts.load() == 1 ? right : 0);
}

TEST(Termination, TellsTheFirstSignalFromTheNext) {
  EXPECT_EXIT(take_three_signals(), testing::ExitedWithCode(right), "");
}

void take_an_early_signal() {
  Termination termination;
  kill(getpid(), SIGTERM);
  Daemon daemon;
  const auto served = daemon.serve_with(termination);
  wait_for(daemon.firsts, 1);
  _exit(right);
}

TEST(Termination, TellsOfOneThatCameBeforeThereWasADaemon) {
  EXPECT_EXIT(take_an_early_signal(), testing::ExitedWithCode(right), "");
}

void take_two_early_signals() {
  Termination termination;
  while (true) {
    kill(getpid(), SIGTERM);
    std::this_thread::yield();
  }
}

TEST(Termination, EndsADaemonThatDoesNotComeToLife) {
  EXPECT_EXIT(take_two_early_signals(), testing::ExitedWithCode(failed), "");
}

void take_a_late_signal() {
  Termination termination;
  {
    Daemon daemon;
    const auto served = daemon.serve_with(termination);
  }
  for (int i = 0; i != 100; ++i) kill(getpid(), SIGTERM);
  Daemon next;
  const auto served = next.serve_with(termination);  // hears of those that came before
  wait_for(next.firsts, 1);
  _exit(right);
}

TEST(Termination, LeavesADaemonThatHasGoneAlone) {
  EXPECT_EXIT(take_a_late_signal(), testing::ExitedWithCode(right), "");
}

}  // namespace
}  // namespace paracord::apps
