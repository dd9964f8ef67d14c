// Processes of a cluster that end at a bad moment.

#include <fcntl.h>

#include <atomic>
#include <random>
#include <utility>

#include "paracord/memmap/array.h"
#include "paracord/testkit/random_calls.h"
#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

int noted(std::string path, int task) {
  Ledger::note(path, task);
  std::this_thread::sleep_for(std::chrono::microseconds(500));
  return task * 3;
}
int kills_its_worker_once(std::string mark, int task) {
  const int fd = open((mark + std::to_string(task)).c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (task % 10 == 0 && fd >= 0) ::kill(getpid(), SIGKILL);
  if (fd >= 0) close(fd);
  return task;
}
int kills_every_worker(int task) {
  if (task == 5) ::kill(getpid(), SIGKILL);
  return task;
}

constexpr std::size_t mebibyte = std::size_t{1} << 20;
constexpr int large_results = 60;
Array<int> large(std::string path, int task) {
  Ledger::note(path, task);
  auto array = Array<int>::uninitialized({4 * mebibyte / sizeof(int)});
  std::fill_n(array.data(), array.size(), task);
  return array;
}

constexpr int count = 4000;

// The loop, while `trouble` goes on beside it; it begins when some tasks have run.
struct Chaos : testing::Test {
  void run(const std::function<void()>& trouble, ParallelOptions options) {
    std::thread beside([&] {
      (void)eventually([&] { return ledger.runs().size() > count / 10; });
      trouble();
    });
    options.batch_size = 8;
    Parallel parallel(options);
    std::vector<int> results;
    EXPECT_NO_THROW(
        results = parallel(tasks(count, [&](int i) { return delayed<noted>(ledger.path(), i); })));
    beside.join();
    ASSERT_EQ(results.size(), static_cast<std::size_t>(count));
    for (int i = 0; i != count; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], 3 * i);
  }
  std::size_t run_again() const {
    std::size_t again = 0;
    for (const auto& [task, runs] : ledger.runs()) again += runs > 1;
    return again;
  }
  LocalCluster cluster;
  Ledger ledger{cluster.folder()};
};

TEST_F(Chaos, ARestartedSchedulerRunsNothingAgain) {
  cluster.start_scheduler();
  cluster.start_node("one");
  cluster.start_node("two");
  run(
      [&] {
        for (int i = 0; i != 3; ++i) {
          const std::size_t before = ledger.runs().size();
          cluster.kill("scheduler");
          cluster.start_scheduler();
          (void)eventually([&] { return ledger.runs().size() > before + 200; });
        }
      },
      cluster.options());
  EXPECT_EQ(run_again(), 0u);
}

TEST_F(Chaos, ALostNodesTasksRunElsewhere) {
  cluster.start_scheduler({"--suspect-after", "0.5", "--node-lost-after", "2"});
  cluster.start_node("one");
  cluster.start_node("two");
  run([&] { cluster.kill("one"); }, cluster.options());
  // Of what it held, some had run.
  EXPECT_LT(run_again(), 600u);
}

// By its silence it would be lost only when this test has ended long ago.
TEST_F(Chaos, AKilledNodeIsKnownByItsConnection) {
  cluster.start_scheduler({"--suspect-after", "100", "--node-lost-after", "600"});
  cluster.start_node("one");
  cluster.start_node("two");
  run([&] { cluster.kill("one"); }, cluster.options());
}

TEST_F(Chaos, AStoppedSchedulerFindsItsNodesAlive) {
  cluster.start_scheduler({"--suspect-after", "0.5", "--node-lost-after", "2"});
  cluster.start_node("one");
  cluster.start_node("two");
  run(
      [&] {
        cluster.signal("scheduler", SIGSTOP);
        std::this_thread::sleep_for(std::chrono::seconds(6));
        cluster.signal("scheduler", SIGCONT);
      },
      cluster.options());
  EXPECT_EQ(run_again(), 0u);
}

TEST_F(Chaos, AStoppedNodeComesBack) {
  cluster.start_scheduler({"--suspect-after", "0.5", "--node-lost-after", "1.5"});
  cluster.start_node("one");
  cluster.start_node("two");
  run(
      [&] {
        cluster.signal("one", SIGSTOP);
        (void)eventually([&] {
          return cluster.run("status --json --scheduler " + cluster.address())
                     .find("\"name\":\"one\"") == std::string::npos;
        });
        cluster.signal("one", SIGCONT);
      },
      cluster.options());
  EXPECT_TRUE(eventually([&] {
    return cluster.run("status --json --scheduler " + cluster.address()).find("\"name\":\"one\"") !=
           std::string::npos;
  }));
}

// For so long that it is lost by the limits that a cluster has where nobody sets them.
TEST_F(Chaos, ANodeMayStandStillFor20Seconds) {
  cluster.start_scheduler();
  cluster.start_node("one");
  cluster.start_node("two");
  run(
      [&] {
        cluster.signal("one", SIGSTOP);
        std::this_thread::sleep_for(std::chrono::seconds(20));
        cluster.signal("one", SIGCONT);
      },
      cluster.options());
}

// The children of a node are its workers.
int any_worker_of(int node) {
  std::ifstream children("/proc/" + std::to_string(node) + "/task/" + std::to_string(node) +
                         "/children");
  int worker = 0;
  children >> worker;
  for (const auto& task :
       std::filesystem::directory_iterator("/proc/" + std::to_string(node) + "/task")) {
    std::ifstream of_thread(task.path() / "children");
    for (int child = 0; of_thread >> child;) worker = child;
  }
  return worker;
}

// PARACORD_TEST_SEED=N runs it again as it was.
TEST_F(Chaos, AnythingMayEndAtAnyMoment) {
  const char* given = std::getenv("PARACORD_TEST_SEED");
  const unsigned seed =
      given != nullptr ? static_cast<unsigned>(std::stoul(given)) : std::random_device()();
  SCOPED_TRACE("PARACORD_TEST_SEED=" + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> limits{"--suspect-after", "0.5", "--node-lost-after", "2"};
  cluster.start_scheduler(limits);
  cluster.start_node("one");
  cluster.start_node("two");
  constexpr int many = 20'000;
  std::atomic<bool> over{false};
  std::thread beside([&] {
    while (!over.load()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(100 + random() % 700));
      const std::string node = random() % 2 == 0 ? "one" : "two";
      switch (random() % 4) {
        case 0:
          cluster.kill("scheduler");
          cluster.start_scheduler(limits);
          break;
        case 1:
          cluster.kill(node);
          cluster.start_node(node);
          break;
        default:
          if (const int worker = any_worker_of(cluster.pid(node)); worker > 0)
            ::kill(worker, SIGKILL);
      }
    }
  });
  ParallelOptions options = cluster.options();
  options.batch_size = 8;
  options.retries = 10;
  std::vector<int> results;
  EXPECT_NO_THROW(results = Parallel(options)(
                      tasks(many, [&](int i) { return delayed<noted>(ledger.path(), i); })));
  over.store(true);
  beside.join();
  ASSERT_EQ(results.size(), static_cast<std::size_t>(many));
  for (int i = 0; i != many; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], 3 * i);
}

TEST_F(Chaos, NodesComeAndGo) {
  cluster.start_scheduler({"--suspect-after", "0.5", "--node-lost-after", "2"});
  cluster.start_node("0");
  run(
      [&] {
        for (int i = 0; i != 4; ++i) {
          const std::size_t before = ledger.runs().size();
          cluster.start_node(std::to_string(i + 1));
          (void)eventually(
              [&] { return ledger.runs().size() > before + 150 || ledger.runs().size() == count; });
          cluster.kill(std::to_string(i));
        }
      },
      cluster.options());
}

TEST_F(Chaos, WorkersThatEndCostTheirTask) {
  cluster.start_scheduler();
  cluster.start_node("one");
  cluster.start_node("two");
  ParallelOptions options = cluster.options();
  options.retries = 2;
  const std::string mark = cluster.folder() + "/mark-";
  const auto results =
      Parallel(options)(tasks(100, [&](int i) { return delayed<kills_its_worker_once>(mark, i); }));
  for (int i = 0; i != 100; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
}

TEST_F(Chaos, ATaskThatKillsItsWorkersStopsAtItsLimit) {
  cluster.start_scheduler();
  cluster.start_node("one");
  ParallelOptions options = cluster.options();
  options.retries = 2;
  const auto outcomes =
      Parallel(options).outcomes(tasks(10, [](int i) { return delayed<kills_every_worker>(i); }));
  for (int i = 0; i != 10; ++i)
    EXPECT_EQ(outcomes[static_cast<std::size_t>(i)].has_value(), i != 5);
  try {
    (void)outcomes[5].value();
  } catch (const WorkerLostError& error) {
    EXPECT_EQ(error.loss().signal, SIGKILL);
    EXPECT_NE(std::string(error.what()).find("on one"), std::string::npos) << error.what();
  }
}

// A client of its own: this program, told by the environment what to do.
TEST(ChaosClient, DISABLED_RunsForEver) {
  const char* address = std::getenv("PARACORD_TEST_SCHEDULER");
  const char* path = std::getenv("PARACORD_TEST_RUNS");
  ZeromqOptions zeromq;
  zeromq.scheduler = address;
  Parallel parallel({.backend = "zeromq", .backend_options = zeromq});
  (void)parallel(tasks(1'000'000, [&](int i) { return delayed<noted>(std::string(path), i); }));
}

TEST(ChaosClient, DISABLED_WantsLargeResults) {
  const char* address = std::getenv("PARACORD_TEST_SCHEDULER");
  const char* path = std::getenv("PARACORD_TEST_RUNS");
  ZeromqOptions zeromq;
  zeromq.scheduler = address;
  // Nothing but results takes room at the node.
  zeromq.worker_binary = std::filesystem::read_symlink("/proc/self/exe");
  Parallel parallel({.backend = "zeromq", .batch_size = 1, .backend_options = zeromq});
  const auto results =
      parallel(tasks(large_results, [&](int i) { return delayed<large>(std::string(path), i); }));
  for (int i = 0; i != large_results; ++i)
    EXPECT_EQ(results[static_cast<std::size_t>(i)].data()[7], i);
}

/// Another process as client.
class OtherClient {
 public:
  OtherClient(const LocalCluster& cluster, const Ledger& ledger, const std::string& test) {
    const std::string command =
        "PARACORD_TEST_SCHEDULER=" + cluster.address() + " PARACORD_TEST_RUNS=" + ledger.path() +
        " exec '" + std::filesystem::read_symlink("/proc/self/exe").string() +
        "' --gtest_also_run_disabled_tests --gtest_filter=ChaosClient." + test + " >/dev/null 2>&1";
    const char* arguments[] = {"sh", "-c", command.c_str(), nullptr};
    EXPECT_EQ(
        posix_spawn(&pid_, "/bin/sh", nullptr, nullptr, const_cast<char**>(arguments), environ), 0);
  }
  OtherClient(const OtherClient&) = delete;
  ~OtherClient() {
    if (pid_ == 0) return;
    signal(SIGKILL);
    (void)wait();
  }
  void signal(int number) { ::kill(pid_, number); }
  /// Its exit code, or −1 for a signal.
  int wait() {
    int status = 0;
    waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  int pid_ = 0;
};

TEST_F(Chaos, AKilledClientLeavesNothingBehind) {
  cluster.start_scheduler({"--client-lost-after", "600", "--client-closed-after", "1"});
  cluster.start_node("one");
  OtherClient client(cluster, ledger, "DISABLED_RunsForEver");
  EXPECT_TRUE(eventually([&] { return ledger.runs().size() > 100; }));
  client.signal(SIGKILL);
  EXPECT_EQ(client.wait(), -1);
  EXPECT_TRUE(eventually([&] {
    return cluster.run("status --json --scheduler " + cluster.address()).find("\"clients\":[]") !=
           std::string::npos;
  }));
  // Its workers run the program that the node has kept, and their command says so.
  EXPECT_TRUE(eventually([&] {
    return std::system(
               ("pgrep -f '" + cluster.folder() + "[/]cache-one/.*worker' >/dev/null").c_str()) !=
           0;
  }));
}

// Its results wait at the node; and tasks wait for them, before they fill its memory.
TEST_F(Chaos, AStoppedClientsResultsDoNotFillTheNode) {
  cluster.start_scheduler();
  cluster.start_node("one", 1, {"--store-megabytes", "64"});
  OtherClient client(cluster, ledger, "DISABLED_WantsLargeResults");
  ASSERT_TRUE(eventually([&] { return ledger.runs().size() > 2; }));
  client.signal(SIGSTOP);
  std::size_t before = 0;
  EXPECT_TRUE(eventually([&] {
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return std::exchange(before, ledger.runs().size()) == ledger.runs().size();
  }));
  EXPECT_LT(ledger.runs().size(), 20u);  // half of the store holds 8 of them
  client.signal(SIGCONT);
  EXPECT_EQ(client.wait(), 0);
  EXPECT_EQ(ledger.runs().size(), static_cast<std::size_t>(large_results));
}

// Calls of all kinds, with arguments of up to 4 MiB, while the scheduler and nodes end and come
// back.
TEST_F(Chaos, RandomCallsHold) {
  const std::vector<std::string> limits{"--suspect-after", "0.5", "--node-lost-after", "2"};
  cluster.start_scheduler(limits);
  for (const char* node : {"one", "two", "three"}) cluster.start_node(node);
  setenv("PARACORD_SCHEDULER", cluster.address().c_str(), 1);
  std::atomic<bool> over{false};
  std::thread beside([&] {
    std::mt19937 random(std::random_device{}());
    while (!over.load()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(300 + random() % 400));
      const std::string name =
          std::vector<std::string>{"scheduler", "one", "two", "three"}[random() % 4];
      cluster.kill(name);
      if (name == "scheduler") {
        cluster.start_scheduler(limits);
      } else {
        cluster.start_node(name);
      }
    }
  });
  testkit::RandomCallsOptions options;
  options.count = 1000;
  options.time = std::chrono::seconds(15);
  options.patience = std::chrono::seconds(100);
  options.disturbed = true;
  const auto report = testkit::check_random_calls({"zeromq", nullptr}, options);
  over.store(true);
  beside.join();
  unsetenv("PARACORD_SCHEDULER");
  EXPECT_TRUE(report.passed()) << report.text();
}

}  // namespace
}  // namespace paracord::cluster_tests
