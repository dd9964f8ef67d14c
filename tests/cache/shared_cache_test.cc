// One cache in many processes, some of which are killed.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <ranges>
#include <thread>

#include "paracord/backends/processes/processes.h"
#include "paracord/backends/sequential/sequential.h"
#include "paracord/backends/threads/threads.h"
#include "paracord/cache/memory.h"
#include "paracord/core/parallel.h"

namespace paracord {
namespace {

namespace fs = std::filesystem;

// A line for each call that is made, from whatever process.
void note(const std::string& log, int x) {
  const int fd = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  const std::string line = std::to_string(x) + "\n";
  if (write(fd, line.data(), line.size()) != static_cast<ssize_t>(line.size())) _exit(9);
  close(fd);
}

int noted_square(int x, const std::string& log) {
  note(log, x);
  return x * x;
}
std::vector<double> noted_values(int x, const std::string& log) {
  note(log, x);
  return std::vector<double>(20'000, x);
}
// Says that it runs, and then does not end.
int stuck(int x, int say) {
  if (say < 0) return x;
  if (write(say, "x", 1) != 1) _exit(9);
  while (true) pause();
}

class SharedCache : public testing::Test {
 protected:
  SharedCache() {
    std::string pattern = testing::TempDir() + "shared-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~SharedCache() override { fs::remove_all(folder_); }
  Memory memory() const { return Memory({.location = folder_ / "cache"}); }
  std::string log() const { return folder_ / "log"; }
  std::size_t noted() const {
    std::ifstream in(log());
    std::size_t count = 0;
    for (std::string line; std::getline(in, line);) ++count;
    return count;
  }
  std::size_t files(const std::string& extension) const {
    std::size_t count = 0;
    for (const auto& file : fs::recursive_directory_iterator(folder_ / "cache"))
      count += file.path().extension() == extension && file.is_regular_file();
    return count;
  }
  // A process that does this, and ends.
  static pid_t start(const std::function<void()>& work) {
    const pid_t child = fork();
    if (child != 0) return child;
    work();
    _exit(0);
  }
  static int wait_for(pid_t child) {
    int status = 0;
    waitpid(child, &status, 0);
    return status;
  }
  fs::path folder_;
};

TEST_F(SharedCache, OneCallForManyProcesses) {
  std::vector<pid_t> children;
  for (int i = 0; i != 6; ++i) {
    children.push_back(start([&] {
      const auto cached = memory().cache<noted_values, ignore<1>>();
      for (int x = 0; x != 40; ++x) {
        if (cached(x, log()) != std::vector<double>(20'000, x)) _exit(1);
      }
    }));
  }
  for (const pid_t child : children) EXPECT_EQ(wait_for(child), 0);
  EXPECT_EQ(noted(), 40u);
  EXPECT_EQ(files(".part"), 0u);
}

TEST_F(SharedCache, AWaiterTakesOverFromOneThatIsKilled) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const auto cached = memory().cache<stuck, ignore<1>>();
  const pid_t child = start([&] { cached(5, pipe[1]); });
  char said;
  ASSERT_EQ(read(pipe[0], &said, 1), 1);
  int got = 0;
  std::jthread waiter([&] { got = cached(5, -1); });
  kill(child, SIGKILL);
  wait_for(child);
  waiter.join();
  EXPECT_EQ(got, 5);
  EXPECT_TRUE(cached.contains(5, -1));
  EXPECT_EQ(files(".part"), 0u);
  close(pipe[0]);
  close(pipe[1]);
}

TEST_F(SharedCache, KillingAtAnyMomentLeavesACacheThatWorks) {
  const auto cached = memory().cache<noted_values, ignore<1>>();
  for (int round = 0; round != 40; ++round) {
    int pipe[2];
    ASSERT_EQ(::pipe(pipe), 0);
    const pid_t child = start([&] {
      for (int x = 0; x != 1000; ++x) {
        if (write(pipe[1], "x", 1) != 1) _exit(9);
        cached(x + 1000 * (round % 3), log());
      }
    });
    close(pipe[1]);
    char said[64];
    // Killed somewhere in one of its calls, another one each time.
    ASSERT_GT(read(pipe[0], said, 1), 0);
    for (int i = 0; i < round % 7; ++i) ASSERT_GT(read(pipe[0], said, sizeof said), 0);
    kill(child, SIGKILL);
    wait_for(child);
    close(pipe[0]);
  }
  for (int x = 0; x != 20; ++x) EXPECT_EQ(cached(x, log()), std::vector<double>(20'000, x));
  EXPECT_LE(files(".part"), 40u);
  memory().clear();
  EXPECT_EQ(files(".part"), 0u);
  EXPECT_EQ(files(""), 0u + (fs::exists(folder_ / "cache/.gitignore") ? 1u : 0u));
}

TEST_F(SharedCache, IsATaskOnEveryBackend) {
  const Memory shared = memory();
  const auto cached = shared.cache<noted_square, ignore<1>>();
  for (const char* backend : {"sequential", "threads", "processes"}) {
    Parallel parallel({.n_jobs = 2, .backend = backend});
    const auto squares = parallel(std::views::iota(0, 30) | std::views::transform([&](int x) {
                                    return delayed(cached, x / 3, log());
                                  }));
    ASSERT_EQ(squares.size(), 30u);
    for (int x = 0; x != 30; ++x) EXPECT_EQ(squares[static_cast<std::size_t>(x)], x / 3 * (x / 3));
  }
  EXPECT_EQ(noted(), 10u);
  // Begun in workers, found here.
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  parallel(std::views::iota(100, 110) |
           std::views::transform([&](int x) { return delayed(cached, x, log()); }));
  for (int x = 100; x != 110; ++x) EXPECT_TRUE(cached.contains(x, log()));
}

int read_shelved(const Shelved<std::vector<double>>& shelved) {
  return static_cast<int>(shelved.get().size());
}

TEST_F(SharedCache, ShelvedResultsTravel) {
  const auto shelved = memory().cache<noted_values, ignore<1>>().call_and_shelve(3, log());
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto sizes = parallel(std::views::iota(0, 4) | std::views::transform([&](int) {
                                return delayed<read_shelved>(shelved);
                              }));
  EXPECT_EQ(sizes, std::vector<int>(4, 20'000));
  EXPECT_EQ(noted(), 1u);
}

TEST_F(SharedCache, ARunThatIsKilledGoesOnWhereItWas) {
  const auto run = [&](bool dies) {
    const auto cached = memory().cache<noted_square, ignore<1>>();
    for (int x = 0; x != 50; ++x) {
      cached(x, log());
      if (dies && x == 20) kill(getpid(), SIGKILL);
    }
  };
  EXPECT_TRUE(WIFSIGNALED(wait_for(start([&] { run(true); }))));
  EXPECT_EQ(wait_for(start([&] { run(false); })), 0);
  EXPECT_EQ(noted(), 50u);
}

}  // namespace
}  // namespace paracord
