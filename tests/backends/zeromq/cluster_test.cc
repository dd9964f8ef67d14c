// A cluster of real daemons: what its users rely on.

#include <fcntl.h>

#include <numeric>
#include <set>

#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

int squared(int i) {
  return i * i;
}
std::string host_of_task(int) {
  return std::string(this_worker().host) + " " + std::to_string(getppid());
}
double sum(ArrayView<const double> view) {
  return std::accumulate(view.begin(), view.end(), 0.0);
}
Array<double> made(std::size_t count, double value) {
  auto array = Array<double>::uninitialized({count});
  for (double& element : array.as_span()) element = value;
  return array;
}
void fill(ArrayView<double> view, double value) {
  for (double& element : view) element = value;
}
int fails(int i) {
  if (i == 3) throw std::invalid_argument("three");
  return i;
}
int nested(int i) {
  Parallel inner({.n_jobs = -1, .backend = "zeromq"});
  const auto results = inner(tasks(3, [&](int k) { return delayed<squared>(i + k); }));
  return std::accumulate(results.begin(), results.end(), 0);
}
int noted(std::string path, int task) {
  Ledger::note(path, task);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return task;
}
void waits_for_ever(std::string begun) {
  std::ofstream file(begun);
  file.close();
  while (true) std::this_thread::sleep_for(std::chrono::seconds(1));
}

struct Cluster : testing::Test {
  void SetUp() override {
    cluster.start_scheduler();
    cluster.start_node("one");
    cluster.start_node("two");
  }
  LocalCluster cluster;
};

TEST_F(Cluster, RunsTheLoopOnAllItsNodes) {
  Parallel parallel(cluster.options());
  const auto results = parallel(tasks(5000, [](int i) { return delayed<squared>(i % 1000); }));
  for (int i = 0; i != 5000; ++i)
    ASSERT_EQ(results[static_cast<std::size_t>(i)], (i % 1000) * (i % 1000));
  ParallelOptions single = cluster.options();
  single.batch_size = 1;
  const auto hosts = Parallel(single)(tasks(200, [](int i) { return delayed<host_of_task>(i); }));
  EXPECT_EQ(std::set<std::string>(hosts.begin(), hosts.end()).size(), 2u);
}

TEST_F(Cluster, ShipsTheProgramOnce) {
  const auto cached = [&] {
    std::size_t files = 0;
    std::error_code none;
    for (const char* node : {"/cache-one/files", "/cache-two/files"}) {
      for ([[maybe_unused]] const auto& file :
           std::filesystem::directory_iterator(cluster.folder() + node, none))
        ++files;
    }
    return files;
  };
  {
    Parallel parallel(cluster.options());
    (void)parallel(tasks(100, [](int i) { return delayed<squared>(i); }));
  }
  const std::size_t files = cached();
  EXPECT_GT(files, 0u);
  Parallel again(cluster.options());
  (void)again(tasks(100, [](int i) { return delayed<squared>(i); }));
  EXPECT_EQ(cached(), files);
}

TEST_F(Cluster, ArraysTravelBothWays) {
  Parallel parallel(cluster.options());
  const std::vector<double> numbers(1'000'000, 1.5);
  const auto sums = parallel(tasks(8, [&](int i) {
    return delayed<sum>(std::span(numbers).subspan(static_cast<std::size_t>(i) * 1000));
  }));
  for (int i = 0; i != 8; ++i)
    EXPECT_EQ(sums[static_cast<std::size_t>(i)], 1.5 * (1'000'000 - 1000 * i));
  const auto arrays = parallel(
      tasks(6, [](int i) { return delayed<made>(std::size_t{400'000}, static_cast<double>(i)); }));
  for (int i = 0; i != 6; ++i) {
    EXPECT_EQ(arrays[static_cast<std::size_t>(i)].size(), 400'000u);
    EXPECT_EQ(sum(arrays[static_cast<std::size_t>(i)]), 400'000.0 * i);
  }
}

TEST(SchedulersRelay, ListensWhereItIsAskedTo) {
  LocalCluster cluster;
  const auto start = [&](const std::string& name, std::vector<std::string> more) {
    more.insert(more.begin(), {"scheduler", "--insecure-listen-without-keys", "tcp://127.0.0.1:*"});
    cluster.start(name, more);
  };
  const auto says = [&](const std::string& name, const std::string& text) {
    return eventually([&] { return cluster.log(name).find(text) != std::string::npos; });
  };
  start("usual", {});
  const std::string relay_on = "relay on ";
  ASSERT_TRUE(says("usual", relay_on + "tcp://127.0.0.1:"));
  const std::string log = cluster.log("usual");
  const std::string address =
      log.substr(log.find(relay_on) + relay_on.size(),
                 log.find('\n', log.find(relay_on)) - log.find(relay_on) - relay_on.size());
  start("same", {"--relay-listen", address});
  EXPECT_NE(cluster.wait("same"), 0);
  EXPECT_TRUE(says("same", "the relay cannot listen on " + address));
  start("none", {"--relay-listen", "none"});
  EXPECT_TRUE(says("none", "ready on"));
  cluster.signal("none", SIGTERM);
  EXPECT_EQ(cluster.wait("none"), 0);
  EXPECT_EQ(cluster.log("none").find(relay_on), std::string::npos);
  start("wrong", {"--relay-advertise", "10.0.0.1:5"});
  EXPECT_NE(cluster.wait("wrong"), 0);
  EXPECT_TRUE(says("wrong", "is no address"));
}

TEST(Neighbours, FilesOfThisMachineAreLookedAtWhereTheyLie) {
  constexpr std::size_t mebibyte = std::size_t{1} << 20;
  LocalCluster cluster;
  cluster.start_scheduler();
  cluster.start_node("one", 2);
  const auto mapped = [&](std::size_t bytes, double value) {
    const std::string path = cluster.folder() + "/" + std::to_string(value) + ".npy";
    auto array = create_npy<double>(path, {bytes / sizeof(double)});
    std::fill_n(array.data(), array.size(), value);
    return load<Array<double>>(path, {.mmap_mode = MmapMode::read});
  };
  const auto use = [&](const Array<double>& array, bool share_memory) {
    const auto sums = Parallel(cluster.options({.share_memory = share_memory}))(
        tasks(6, [&](int) { return delayed<sum>(array.view()); }));
    for (const double one : sums) EXPECT_EQ(one, static_cast<double>(array.size()) * array(0));
  };
  use(mapped(64 * mebibyte, 1), true);
  // Results lie in shared memory of this process.
  auto result = Parallel(cluster.options())(
      tasks(1, [](int) { return delayed<made>(64 * mebibyte / sizeof(double), 2.0); }))[0];
  result.freeze();
  use(result, true);
  use(mapped(256 * mebibyte, 3), false);
  std::size_t fetched = 256 * mebibyte;
  for (const auto& file :
       std::filesystem::directory_iterator(cluster.folder() + "/cache-one/files"))
    fetched += file.file_size();
  const auto received = [&] {
    const std::string text = cluster.run("status --json --scheduler " + cluster.address());
    const std::string name = "\"received_bytes\":";
    return std::stoull(text.substr(text.find(name) + name.size()));
  };
  EXPECT_TRUE(eventually([&] { return received() >= fetched; }));
  EXPECT_LT(received(), fetched + 32 * mebibyte);
}

TEST_F(Cluster, WhatTasksWriteComesBack) {
  auto array = create_npy<double>(cluster.folder() + "/array.npy", {8, 50'000});
  Parallel parallel(cluster.options());
  parallel(tasks(8, [&](int i) {
    return delayed<fill>(array.view()[{i, i + 1}], static_cast<double>(i + 1));
  }));
  for (int i = 0; i != 8; ++i) EXPECT_EQ(sum(std::as_const(array)[{i, i + 1}]), 50'000.0 * (i + 1));
}

TEST_F(Cluster, ErrorsKeepTheirTypeAndNameTheirHost) {
  Parallel parallel(cluster.options());
  try {
    (void)parallel(tasks(6, [](int i) { return delayed<fails>(i); }));
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "three");
    const auto failure = task_error(error);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->failure().index, 3u);
    EXPECT_TRUE(failure->failure().host == "one" || failure->failure().host == "two");
  }
  const auto outcomes = parallel.outcomes(tasks(6, [](int i) { return delayed<fails>(i); }));
  for (int i = 0; i != 6; ++i) EXPECT_EQ(outcomes[static_cast<std::size_t>(i)].has_value(), i != 3);
}

TEST_F(Cluster, CallsInsideTasksUseTheSameCluster) {
  // Two slots, and four tasks that wait for others.
  Parallel parallel(cluster.options());
  const auto results = parallel(tasks(4, [](int i) { return delayed<nested>(i); }));
  for (int i = 0; i != 4; ++i)
    EXPECT_EQ(results[static_cast<std::size_t>(i)], i * i + (i + 1) * (i + 1) + (i + 2) * (i + 2));
}

TEST_F(Cluster, GeneratorsGiveResultsAsTheyCome) {
  Parallel parallel(cluster.options());
  int next = 0;
  for (const int value :
       parallel.generator(tasks(500, [](int i) { return delayed<squared>(i); }))) {
    ASSERT_EQ(value, next * next);
    ++next;
  }
  EXPECT_EQ(next, 500);
  std::set<int> seen;
  for (const int value :
       parallel.generator_unordered(tasks(300, [](int i) { return delayed<squared>(i); })))
    seen.insert(value);
  EXPECT_EQ(seen.size(), 300u);
}

TEST_F(Cluster, CancellationFreesTheSlots) {
  std::stop_source source;
  ParallelOptions options = cluster.options();
  options.stop_token = source.get_token();
  const std::string begun = cluster.folder() + "/begun";
  std::thread canceller([&] {
    (void)eventually([&] { return access(begun.c_str(), F_OK) == 0; });
    source.request_stop();
  });
  Parallel parallel(options);
  EXPECT_THROW(parallel(tasks(2, [&](int) { return delayed<waits_for_ever>(begun); })),
               CancelledError);
  canceller.join();
  // Both slots run other work again.
  const auto results =
      Parallel(cluster.options())(tasks(100, [](int i) { return delayed<squared>(i); }));
  EXPECT_EQ(results[99], 99 * 99);
}

TEST_F(Cluster, DrainLosesNothing) {
  ParallelOptions options = cluster.options();
  options.batch_size = 1;
  const Ledger ledger(cluster.folder());
  std::thread drainer([&] {
    (void)eventually([&] { return ledger.runs().size() > 20; });
    cluster.signal("one", SIGTERM);
    EXPECT_EQ(cluster.wait("one"), 0);
  });
  Parallel parallel(options);
  const auto results =
      parallel(tasks(400, [&](int i) { return delayed<noted>(ledger.path(), i); }));
  drainer.join();
  for (int i = 0; i != 400; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
  for (const auto& [task, runs] : ledger.runs()) EXPECT_EQ(runs, 1) << task;
}

TEST_F(Cluster, StatusTellsOfNodesAndClients) {
  Parallel parallel(cluster.options());
  (void)parallel(tasks(10, [](int i) { return delayed<squared>(i); }));
  const std::string table = cluster.run("status --scheduler " + cluster.address());
  EXPECT_EQ(cluster.last_exit(), 0);
  EXPECT_NE(table.find("one"), std::string::npos);
  EXPECT_NE(table.find("two"), std::string::npos);
  const std::string json = cluster.run("status --json --scheduler " + cluster.address());
  EXPECT_NE(json.find("\"nodes\":[{"), std::string::npos);
  (void)cluster.run("status --timeout 0.2 --scheduler ipc://" + cluster.folder() + "/nobody");
  EXPECT_EQ(cluster.last_exit(), 1);
}

TEST_F(Cluster, SaysWhereAWorkerBinaryIsMissing) {
  Parallel parallel(cluster.options({.worker_binary = "/nowhere/program"}));
  try {
    (void)parallel(tasks(2, [](int i) { return delayed<squared>(i); }));
    FAIL();
  } catch (const BackendUnavailable& error) {
    EXPECT_NE(std::string(error.what()).find("/nowhere/program"), std::string::npos)
        << error.what();
  }
}

TEST(ClusterWithoutNodes, SaysWhatIsMissing) {
  LocalCluster cluster;
  const auto run = [&] {
    ZeromqOptions zeromq;
    zeromq.connect_timeout = std::chrono::milliseconds(300);
    try {
      (void)Parallel(cluster.options(zeromq))(tasks(1, [](int i) { return delayed<squared>(i); }));
      return std::string();
    } catch (const BackendUnavailable& error) {
      return std::string(error.what());
    }
  };
  EXPECT_NE(run().find("no scheduler answers"), std::string::npos);
  cluster.start_scheduler();
  EXPECT_TRUE(eventually([&] { return run().find("has no node") != std::string::npos; }));
}

}  // namespace
}  // namespace paracord::cluster_tests
