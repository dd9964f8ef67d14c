// The pool of workers: reuse, ends, environment, output.

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <future>
#include <limits>
#include <set>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

int pid_of_worker(int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return getpid();
}

std::set<int> pids(Parallel& parallel, int count = 20) {
  std::set<int> all;
  for (const int pid : parallel(tasks(count, [](int i) { return delayed<pid_of_worker>(i); })))
    all.insert(pid);
  return all;
}

TEST(Processes, RunTasksElsewhere) {
  Parallel parallel(processes());
  const std::set<int> workers = pids(parallel);
  EXPECT_EQ(workers.size(), 2u);
  EXPECT_FALSE(workers.contains(getpid()));
}

TEST(Processes, AreReusedByCallsAndObjects) {
  Parallel first(processes());
  const std::set<int> workers = pids(first);
  EXPECT_EQ(pids(first), workers);
  Parallel second(processes());
  EXPECT_EQ(pids(second), workers);
}

TEST(Processes, ServeCallsOfDifferentSizesAtOnce) {
  std::vector<std::future<int>> callers;
  for (int caller = 0; caller != 10; ++caller) {
    callers.push_back(std::async(std::launch::async, [caller] {
      int wrong = 0;
      for (int round = 0; round != 5; ++round) {
        Parallel parallel(processes(2 + (caller + round) % 4));
        const auto results = parallel(tasks(30, [](int i) { return delayed<plus_one>(i); }));
        for (int i = 0; i != 30; ++i) wrong += results[static_cast<std::size_t>(i)] != i + 1;
      }
      return wrong;
    }));
  }
  for (auto& caller : callers) EXPECT_EQ(caller.get(), 0);
}

TEST(Processes, AreNoMoreThanThereIsWorkHoweverManyAreAllowed) {
  Parallel parallel(processes(std::numeric_limits<int>::max()));
  expect_usable(parallel);
}

TEST(Processes, EndAfterTheirTasks) {
  ParallelOptions options = processes();
  options.backend_options = ProcessesOptions{.max_tasks_per_worker = 3};
  Parallel parallel(options);
  std::multiset<int> runs;
  for (const int pid : parallel(tasks(20, [](int i) { return delayed<pid_of_worker>(i); })))
    runs.insert(pid);
  for (const int pid : runs) EXPECT_LE(runs.count(pid), 3u);
}

std::size_t grows(int megabytes) {
  static std::vector<std::vector<char>> kept;
  kept.emplace_back(static_cast<std::size_t>(megabytes) << 20, 'x');
  return static_cast<std::size_t>(getpid());
}

TEST(Processes, EndWhenTheyHaveGrown) {
  ParallelOptions options = processes(2);
  options.backend_options = ProcessesOptions{.max_memory_growth = std::size_t{64} << 20};
  Parallel parallel(options);
  std::set<std::size_t> workers;
  EXPECT_TRUE(eventually([&] {
    for (const std::size_t pid : parallel(tasks(2, [](int) { return delayed<grows>(40); })))
      workers.insert(pid);
    return workers.size() > 2;
  }));
}

bool is_gone(int pid) {
  return kill(pid, 0) != 0;
}

TEST(Processes, LeaveWhenTheyAreIdle) {
  ParallelOptions options = processes();
  options.backend_options = ProcessesOptions{.idle_timeout = std::chrono::milliseconds(50)};
  Parallel parallel(options);
  for (const int pid : pids(parallel)) EXPECT_TRUE(eventually([&] { return is_gone(pid); }));
  expect_usable(parallel);
  options.backend_options = ProcessesOptions{};
  Parallel usual(options);  // the timeout is the pool's
  expect_usable(usual);
}

int initialised = 0;
void set_initialised(int to) {
  initialised += to;
}
int read_initialised(int) {
  return initialised;
}

TEST(Processes, RunTheInitializerOnce) {
  ParallelOptions options = processes();
  options.initializer = delayed<set_initialised>(100);
  Parallel parallel(options);
  for (int round = 0; round != 3; ++round) {
    for (const int seen : parallel(tasks(20, [](int i) { return delayed<read_initialised>(i); })))
      EXPECT_EQ(seen % 100, 0) << seen;
  }
  EXPECT_EQ(initialised, 0) << "it ran in the caller";
}

void cannot_begin() {
  throw std::out_of_range("no licence");
}

TEST(Processes, ReportAFailingInitializer) {
  ParallelOptions options = processes();
  options.initializer = delayed<cannot_begin>();
  Parallel parallel(options);
  EXPECT_THROW((void)parallel(tasks(4, [](int i) { return delayed<plus_one>(i); })),
               std::out_of_range);
  Parallel another(processes());
  expect_usable(another);
}

struct Unwritable {
  int value = 0;
  template <class Archive>
  void serialize(Archive&) {
    throw std::runtime_error("no ink");
  }
};

void begins_with(const Unwritable&) {}

TEST(Processes, AreThereForOthersWhereAnInitializerCannotBeWritten) {
  const std::set<std::string> before = children();
  ParallelOptions options = processes();
  options.initializer = delayed<begins_with>(Unwritable{});
  for (int round = 0; round != 5; ++round) {
    EXPECT_ANY_THROW((void)Parallel(options)(tasks(4, [](int i) { return delayed<plus_one>(i); })));
  }
  EXPECT_TRUE(eventually([&] { return children().size() <= before.size() + 2; }))
      << children().size() << " processes";
}

std::string variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  return value == nullptr ? "" : value;
}

TEST(Processes, HaveAnEnvironmentOfTheirOwn) {
  ParallelOptions options = processes();
  options.backend_options = ProcessesOptions{.environment = {{"PARACORD_TEST_COLOUR", "blue"}}};
  options.inner_max_num_threads = 3;
  setenv("OMPI_COMM_WORLD_RANK", "7", 1);
  Parallel parallel(options);
  const std::vector<std::string> names = {"PARACORD_TEST_COLOUR", "OMP_NUM_THREADS",
                                          "OMPI_COMM_WORLD_RANK", "ENABLE_IPC"};
  const auto values = parallel(
      names | std::views::transform([](const std::string& n) { return delayed<variable>(n); }));
  unsetenv("OMPI_COMM_WORLD_RANK");
  EXPECT_EQ(values, (std::vector<std::string>{"blue", "3", "", "1"}));
  EXPECT_EQ(std::getenv("PARACORD_TEST_COLOUR"), nullptr);
}

struct Seen {
  int index, pid, attempt, level;
};
Seen where(int) {
  const Worker worker = this_worker();
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return {worker.index, worker.pid, worker.attempt, worker.nesting_level};
}

TEST(Processes, KnowWhoTheyAre) {
  Parallel parallel(processes(3));
  std::set<int> indexes;
  for (const Seen& seen : parallel(tasks(60, [](int i) { return delayed<where>(i); }))) {
    indexes.insert(seen.index);
    EXPECT_NE(seen.pid, getpid());
    EXPECT_EQ(seen.attempt, 1);
    EXPECT_EQ(seen.level, 1);
  }
  EXPECT_EQ(indexes, (std::set<int>{0, 1, 2}));
}

int prints(int i) {
  std::printf("task %d says hello\n", i);
  return i;
}

TEST(Processes, SendTheirOutputToTheCaller) {
  Parallel parallel(processes());
  testing::internal::CaptureStdout();
  (void)parallel(tasks(5, [](int i) { return delayed<prints>(i); }));
  const std::string output = testing::internal::GetCapturedStdout();
  for (int i = 0; i != 5; ++i)
    EXPECT_NE(output.find("] task " + std::to_string(i) + " says hello\n"), std::string::npos)
        << output;
  EXPECT_EQ(output.rfind("[worker ", 0), 0u) << output;
}

int waits_to_be_stopped(int i) {
  while (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return i;
}
int sleeps_long(int i) {
  std::this_thread::sleep_for(std::chrono::minutes(5));
  return i;
}

template <auto task>
void expect_cancellable() {
  std::stop_source source;
  ParallelOptions options = processes();
  options.stop_token = source.get_token();
  Parallel parallel(options);
  auto canceller = std::async(std::launch::async, [&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    source.request_stop();
  });
  EXPECT_THROW((void)parallel(tasks(10, [](int i) { return delayed<task>(i); })), CancelledError);
  Parallel another(processes());
  expect_usable(another);
}

TEST(Processes, EndTasksThatAreCancelled) {
  expect_cancellable<waits_to_be_stopped>();
  expect_cancellable<sleeps_long>();
}

TEST(Processes, EndTasksOfACallThatIsOverTime) {
  ParallelOptions options = processes();
  options.timeout = std::chrono::milliseconds(200);
  Parallel parallel(options);
  EXPECT_THROW((void)parallel(tasks(4, [](int i) { return delayed<sleeps_long>(i); })),
               TimeoutError);
}

TEST(Processes, EndTasksOfAnAbandonedGenerator) {
  Parallel parallel(processes());
  {
    auto generator =
        parallel.generator(tasks(50, [](int i) { return delayed<waits_to_be_stopped>(i); }));
  }
  expect_usable(parallel);
}

int on_threads(int) {
  Parallel inner({.n_jobs = 2});
  const auto here = inner(tasks(4, [](int i) { return delayed<pid_of_worker>(i); }));
  for (const int pid : here) {
    if (pid != getpid()) return 0;
  }
  return cpu_count();
}

TEST(Processes, RunNestedCallsOnThreadsWithinTheirShare) {
  Parallel parallel(processes(2));
  const int share = std::max(cpu_count() / 2, 1);
  for (const int seen : parallel(tasks(4, [](int i) { return delayed<on_threads>(i); })))
    EXPECT_EQ(seen, share);
}

int entries(const char* folder) {
  int count = 0;
  if (DIR* dir = opendir(folder)) {
    while (readdir(dir) != nullptr) ++count;
    closedir(dir);
  }
  return count;
}

TEST(Processes, LeaveNothingBehind) {
  std::vector<double> large(300'000, 1.0);
  const auto one_call = [&] {
    Parallel parallel(processes());
    (void)parallel(tasks(10, [&](int) {
      return delayed([](std::span<const double> data) { return data.front(); },
                     std::span<const double>(large));
    }));
  };
  for (int i = 0; i != 20; ++i) one_call();
  const int descriptors = entries("/proc/self/fd"), threads = entries("/proc/self/task"),
            shared = entries("/dev/shm");
  for (int i = 0; i != 500; ++i) one_call();
  EXPECT_LE(entries("/proc/self/fd"), descriptors);
  EXPECT_LE(entries("/proc/self/task"), threads);
  EXPECT_LE(entries("/dev/shm"), shared);
}

TEST(Processes, RefuseMmapModesThatTypesSay) {
  ParallelOptions options{.n_jobs = 2, .backend = "processes"};
  for (const MmapMode mode : {MmapMode::copy_on_write, MmapMode::write}) {
    options.mmap_mode = mode;
    Parallel parallel(options);
    EXPECT_THROW(parallel(tasks(1, [](int i) { return delayed([](int x) { return x; }, i); })),
                 std::invalid_argument);
  }
}

}  // namespace
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which take more room
std::vector<char> large_result(int i) {
  return std::vector<char>(std::size_t{400} << 20, static_cast<char>(i));
}

std::size_t address_space() {
  std::ifstream statm("/proc/self/statm");
  std::size_t pages = 0;
  statm >> pages;
  return pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

TEST(Pool, AResultThatCannotBeMappedCostsItsTaskOnly) {
  Parallel parallel(processes());
  expect_usable(parallel);
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit little{address_space() + (std::size_t{64} << 20), before.rlim_max};
  setrlimit(RLIMIT_AS, &little);
  const auto outcomes = parallel.outcomes(tasks(1, [](int i) { return delayed<large_result>(i); }));
  setrlimit(RLIMIT_AS, &before);
  EXPECT_FALSE(outcomes[0].has_value());
  expect_usable(parallel);
}
#endif

}  // namespace paracord::process_tests
