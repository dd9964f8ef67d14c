// n_jobs = 1 is joblib's plain loop: the caller's thread runs the tasks, whatever the backend.

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

const bool on_cluster = tests_nodes();

int pid_of(int) {
  return static_cast<int>(getpid());
}

ParallelOptions one_isolated_job() {
  ParallelOptions options = processes(1);
  if (on_cluster) {
    options.backend_options = ZeromqOptions{.isolate = true};
  } else {
    options.backend_options = ProcessesOptions{.isolate = true};
  }
  return options;
}

TEST(OneJob, RunsClosuresOnTheCallersThread) {
  const auto before = children();
  const auto caller = std::this_thread::get_id();
  int sum = 0;
  Parallel parallel(processes(1));
  const auto results = parallel(tasks(10, [&](int i) {
    return delayed([&sum, caller, i] {
      sum += i;
      return std::this_thread::get_id() == caller ? 1 : 0;
    });
  }));
  EXPECT_EQ(results, std::vector<int>(10, 1));
  EXPECT_EQ(sum, 45);
  EXPECT_EQ(children(), before) << "a process was started";
}

TEST(OneJob, StartsNothingForAnyWayToCollect) {
  const auto before = children();
  Parallel parallel(processes(1));
  const auto call = [](int i) { return delayed<pid_of>(i); };
  std::set<int> pids;
  for (const int pid : parallel(tasks(5, call))) pids.insert(pid);
  for (const int pid : parallel.generator(tasks(5, call))) pids.insert(pid);
  for (const int pid : parallel.generator_unordered(tasks(5, call))) pids.insert(pid);
  for (const auto& outcome : parallel.outcomes(tasks(5, call))) pids.insert(outcome.value());
  EXPECT_EQ(pids, std::set<int>{static_cast<int>(getpid())});
  EXPECT_EQ(children(), before) << "a process was started";
}

TEST(OneJob, ReadsTheInputTaskByTask) {
  std::vector<int> order;
  Parallel parallel(processes(1));
  parallel(tasks(3, [&](int i) {
    order.push_back(i);
    return delayed([&order, i] { order.push_back(100 + i); });
  }));
  EXPECT_EQ(order, (std::vector{0, 100, 1, 101, 2, 102}));
}

// A type of the user's that is registered nowhere.
struct Unregistered {
  int value;
};

TEST(OneJob, PassesErrorsUnchanged) {
  Parallel parallel(processes(1));
  try {
    parallel(tasks(3, [](int i) { return delayed([i] { throw Unregistered{i}; }); }));
    FAIL() << "nothing was thrown";
  } catch (const Unregistered& error) {
    EXPECT_EQ(error.value, 0);
  }
}

TEST(OneJob, MayComeFromAScope) {
  const auto scope = parallel_config({.n_jobs = 1, .backend = backend_under_test()});
  int runs = 0;
  Parallel()(tasks(4, [&](int) { return delayed([&runs] { ++runs; }); }));
  EXPECT_EQ(runs, 4);
}

TEST(OneJob, IsNotWhatAllCpusComeTo) {
  const char* name = "PARACORD_MAX_CPU_COUNT";
  const char* before = std::getenv(name);
  const std::string saved = before == nullptr ? "" : before;
  ASSERT_EQ(setenv(name, "1", 1), 0);
  const int cpus = cpu_count();
  const auto pids = Parallel(processes(-1))(tasks(1, [](int i) { return delayed<pid_of>(i); }));
  if (before == nullptr) {
    unsetenv(name);
  } else {
    setenv(name, saved.c_str(), 1);
  }
  EXPECT_EQ(cpus, 1);
  EXPECT_NE(pids.at(0), getpid());
}

TEST(OneJob, IsolatedRunsElsewhere) {
  Parallel parallel(one_isolated_job());
  std::set<int> pids;
  for (const int pid : parallel(tasks(20, [](int i) { return delayed<pid_of>(i); })))
    pids.insert(pid);
  EXPECT_EQ(pids.size(), 1u);
  EXPECT_FALSE(pids.contains(static_cast<int>(getpid())));
  int captured = 0;
  EXPECT_THROW(parallel(tasks(1, [&](int) { return delayed([&captured] { ++captured; }); })),
               SerializationError);
}

// As joblib's None: the backend's default, which is 1 but for a cluster.
TEST(OneJob, IsTheDefaultOfWorkerProcesses) {
  ParallelOptions options;
  options.backend = backend_under_test();
  const auto pids = Parallel(options)(tasks(1, [](int i) { return delayed<pid_of>(i); }));
  EXPECT_EQ(pids.at(0) == getpid(), !on_cluster);
}

TEST(OneJob, StillRefusesBadOptions) {
  ParallelOptions options = processes(1);
  if (on_cluster) {
    options.backend_options = ZeromqOptions{.weight = 0};
  } else {
    options.backend_options = ProcessesOptions{.max_tasks_per_worker = 0};
  }
  Parallel parallel(options);
  EXPECT_THROW(parallel(tasks(1, [](int i) { return delayed<pid_of>(i); })), std::invalid_argument);
}

TEST(OneJob, ContactsNoScheduler) {
  if (!on_cluster) return;
  ParallelOptions options = processes(1);
  options.backend_options = ZeromqOptions{.scheduler = "tcp://127.0.0.1:1"};
  const auto pids = Parallel(options)(tasks(1, [](int i) { return delayed<pid_of>(i); }));
  EXPECT_EQ(pids.at(0), getpid());
}

}  // namespace
}  // namespace paracord::process_tests
