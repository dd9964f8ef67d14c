// No result waits for a task that it does not need, and no task for a worker while one is idle:
// whatever the tasks before have taught about batch sizes.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

// Counters in a file, for tasks wherever they run.
struct Counters {
  std::atomic<int> released{0};
  std::atomic<int> arrived{0};
};

Counters& counters_in(const std::string& path) {
  thread_local std::string last_path;
  thread_local Counters* last = nullptr;
  if (last != nullptr && last_path == path) return *last;
  const int fd = open(path.c_str(), O_RDWR | O_CLOEXEC);
  void* memory = mmap(nullptr, sizeof(Counters), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  last_path = path;
  return *(last = static_cast<Counters*>(memory));
}

// Looks until the counter has this value. False after a minute, or when the call has ended.
bool wait_for(const std::atomic<int>& counter, int value) {
  const auto end = steady_clock::now() + seconds(60);
  while (counter.load() < value) {
    if (stop_requested() || steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::microseconds(50));
  }
  return true;
}

class Promptness : public testing::TestWithParam<int> {
 protected:
  Promptness() {
    std::string pattern = testing::TempDir() + "promptness-XXXXXX";
    const int fd = mkstemp(pattern.data());
    path_ = pattern;
    EXPECT_EQ(ftruncate(fd, sizeof(Counters)), 0);
    close(fd);
    counters_ = &counters_in(path_);
  }
  ~Promptness() override {
    munmap(counters_, sizeof(Counters));
    unlink(path_.c_str());
  }
  ParallelOptions options() const {
    ParallelOptions options = processes(GetParam());
    options.timeout = seconds(30);  // of a wait that does not end: better than ctest's
    return options;
  }

  std::string path_;
  Counters* counters_;
};

int identity(int value) {
  return value;
}

// Task `slow` ends when call number `call` is released; the others at once.
int gated(const std::string& path, int task, int slow, int call) {
  if (task == slow) wait_for(counters_in(path).released, call);
  return task;
}

// Very short tasks teach large batches.
void teach_large_batches(Parallel& parallel) {
  for (int round = 0; round != 3; ++round)
    (void)parallel(tasks(500, [](int i) { return delayed<identity>(i); }));
}

TEST_P(Promptness, NoResultWaitsForAnotherTask) {
  Parallel parallel(options());
  teach_large_batches(parallel);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int calls = 100;
#else
  constexpr int calls = 1000;
#endif
  for (int call = 1; call <= calls; ++call) {
    const int slow = call * 7 % 10;
    auto results = parallel.generator_unordered(
        tasks(10, [&](int i) { return delayed<gated>(path_, i, slow, call); }));
    auto result = results.begin();
    std::set<int> seen{*result};
    while (seen.size() != 9) seen.insert(*++result);
    EXPECT_FALSE(seen.contains(slow));
    counters_->released.store(call);
    EXPECT_EQ(*++result, slow);
    ASSERT_TRUE(++result == results.end());
  }
}

TEST_P(Promptness, InOrderResultsComeBeforeASlowTaskEnds) {
  Parallel parallel(options());
  teach_large_batches(parallel);
  for (int call = 1; call <= 200; ++call) {
    const int slow = 1 + call % 9;
    auto results =
        parallel.generator(tasks(10, [&](int i) { return delayed<gated>(path_, i, slow, call); }));
    auto result = results.begin();
    ASSERT_EQ(*result, 0);
    for (int i = 1; i != slow; ++i) ASSERT_EQ(*++result, i);
    counters_->released.store(call);
    for (int i = slow; i != 10; ++i) ASSERT_EQ(*++result, i);
  }
}

// The last four of a call return when all four are there.
int tiny_or_meeting(const std::string& path, int task, int tiny, int call) {
  if (task < tiny) return 1;
  Counters& counters = counters_in(path);
  counters.arrived.fetch_add(1);
  return wait_for(counters.arrived, 4 * call) ? 1 : 0;
}

class Meeting : public Promptness {};

TEST_P(Meeting, LongTasksBehindShortOnesRunAtOnce) {
  Parallel parallel(options());
  constexpr int tiny = 40, calls = 100;
  for (int call = 1; call <= calls; ++call) {
    const auto results = parallel(
        tasks(tiny + 4, [&](int i) { return delayed<tiny_or_meeting>(path_, i, tiny, call); }));
    ASSERT_EQ(std::accumulate(results.begin(), results.end(), 0), tiny + 4) << "call " << call;
  }
}

// The same where nobody knows how many tasks there are.
TEST_P(Meeting, LongTasksOfAnInputOfUnknownLengthRunAtOnce) {
  if (tests_nodes()) GTEST_SKIP() << "a batch is shared out among the workers of its node only";
  Parallel parallel(options());
  teach_large_batches(parallel);
  constexpr int tiny = 40, calls = 100;
  for (int call = 1; call <= calls; ++call) {
    const auto results =
        parallel(std::views::iota(0, tiny + 4) | std::views::filter([](int) { return true; }) |
                 std::views::transform(
                     [&](int i) { return delayed<tiny_or_meeting>(path_, i, tiny, call); }));
    ASSERT_EQ(std::accumulate(results.begin(), results.end(), 0), tiny + 4) << "call " << call;
  }
}

INSTANTIATE_TEST_SUITE_P(Workers, Promptness, testing::Values(2, 4));
INSTANTIATE_TEST_SUITE_P(Workers, Meeting, testing::Values(4));

}  // namespace
}  // namespace paracord::process_tests
