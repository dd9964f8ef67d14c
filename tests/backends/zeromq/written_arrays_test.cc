// Arrays that tasks of a cluster write to: on nodes of the caller's machine, and on nodes that
// share no memory with it.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <optional>

#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

constexpr std::size_t mebibyte = std::size_t{1} << 20;

// The file in which it is shared; 0: none.
std::uint64_t inode_of(const double* data) {
  const auto address = reinterpret_cast<std::uintptr_t>(data);
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    std::istringstream fields(line);
    std::uintptr_t begin = 0, end = 0;
    char dash = 0;
    std::string rights, offset, device;
    std::uint64_t inode = 0;
    fields >> std::hex >> begin >> dash >> end >> rights >> offset >> device >> std::dec >> inode;
    if (address >= begin && address < end) return rights[3] == 's' ? inode : 0;
  }
  return 0;
}
// What joblib's example of results in a memmap does.
std::uint64_t write_own(ArrayView<double> all, int task) {
  all(static_cast<std::size_t>(task)) = task + 1;
  return inode_of(all.data());
}
// The same, when tasks have begun on both nodes.
bool write_own_on_both(ArrayView<double> all, std::string folder, int task) {
  std::ofstream(folder + "/on-" + std::string(this_worker().host)) << task;
  (void)write_own(all, task);
  return eventually([&] {
    return access((folder + "/on-one").c_str(), F_OK) == 0 &&
           access((folder + "/on-two").c_str(), F_OK) == 0;
  });
}
void fill_own(std::span<double> all, int task, int tasks) {
  const std::size_t each = all.size() / static_cast<std::size_t>(tasks);
  for (double& element : all.subspan(static_cast<std::size_t>(task) * each, each))
    element = task + 1;
}
void write_column(ArrayView<double> table, ArrayView<double> column, int task) {
  for (double& element : column) element = task + 1;
  table(table.shape()[0] - 1, static_cast<std::size_t>(task)) = -1;
}
// Reads the last row, which nobody writes to.
void add_last(ArrayView<const double> all, ArrayView<double> own, int task) {
  const auto last = all.row(all.shape()[0] - 1);
  for (std::size_t i = 0; i != own.size(); ++i) own[i] = last[i] + task;
}
// Writes all, and keeps little of it.
void write_badly_at_first(ArrayView<double> all, int task) {
  const auto own = static_cast<std::size_t>(task);
  const std::vector<double> before(all.begin(), all.end());
  for (double& element : all) element = 5;
  if (this_worker().attempt == 1) throw std::runtime_error("once more");
  std::copy(before.begin(), before.end(), all.begin());
  all(own) = before[own] + 1;
}
void write_first(ArrayView<double> all, int task) {
  all(0) = task + 1;
}
// The first attempt waits to be lost with its node.
std::string write_and_lose_node(ArrayView<double> all, std::string begun, int task) {
  all(static_cast<std::size_t>(task)) = task + 1;
  if (task != 3) return {};
  const int fd = open(begun.c_str(), O_CREAT | O_EXCL | O_WRONLY, 0600);
  if (fd < 0) return std::string(this_worker().host);
  const std::string host(this_worker().host);
  (void)!write(fd, host.data(), host.size());
  close(fd);
  while (true) pause();
}
class WrittenArrays : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    cluster.start_scheduler();
    cluster.start_node("one");
    cluster.start_node("two");
  }
  static bool shares_memory() { return GetParam(); }
  Parallel parallel(std::optional<int> retries = {}, bool idempotent = false) {
    ParallelOptions options = cluster.options({.share_memory = shares_memory()});
    options.batch_size = 3;
    options.retries = retries;
    options.idempotent = idempotent;
    return Parallel(options);
  }
  Array<double> made(const Shape& shape) {
    return create_npy<double>(cluster.folder() + "/" + std::to_string(++files_) + ".npy", shape);
  }
  LocalCluster cluster;

 private:
  int files_ = 0;
};

TEST_P(WrittenArrays, HoldWhatEachTaskHasWritten) {
  for (const std::size_t size : {std::size_t{200}, std::size_t{400'000}}) {
    auto all = made({size});
    all(size - 1) = 7;
    const auto on_both = parallel()(tasks(
        150, [&](int i) { return delayed<write_own_on_both>(all.view(), cluster.folder(), i); }));
    for (const bool both : on_both) EXPECT_TRUE(both);
    for (std::size_t i = 0; i != 150; ++i) ASSERT_EQ(all(i), static_cast<double>(i + 1));
    EXPECT_EQ(all(size - 1), 7);
    EXPECT_EQ(all(150), 0);
  }
  // All of it, 16 MB.
  auto large = made({2'000'000});
  parallel()(tasks(20, [&](int i) { return delayed<fill_own>(large.as_span(), i, 20); }));
  for (std::size_t i = 0; i != large.size(); ++i)
    ASSERT_EQ(large(i), static_cast<double>(i / 100'000 + 1)) << i;
  // Two arrays with the same content.
  auto first = made({1000}), second = made({1000});
  parallel()(tasks(
      40, [&](int i) { return delayed<write_own>(i % 2 == 0 ? first.view() : second.view(), i); }));
  for (std::size_t i = 0; i != 40; ++i) {
    EXPECT_EQ(first(i), i % 2 == 0 ? static_cast<double>(i + 1) : 0);
    EXPECT_EQ(second(i), i % 2 == 1 ? static_cast<double>(i + 1) : 0);
  }
  // One that tasks get twice.
  auto table = made({300, 40});
  parallel()(tasks(40, [&](int i) {
    return delayed<write_column>(table.view(), table.view().slice(1, {i, i + 1}), i);
  }));
  for (std::size_t row = 0; row != 300; ++row) {
    for (std::size_t i = 0; i != 40; ++i)
      ASSERT_EQ(table(row, i), row == 299 ? -1 : static_cast<double>(i + 1));
  }
  // One that is read as a whole, and written by rows.
  auto rows = made({51, 40'000});
  for (double& element : rows.view().row(50)) element = 7;
  parallel()(tasks(50, [&](int i) {
    return delayed<add_last>(std::as_const(rows).view(),
                             rows.view().row(static_cast<std::size_t>(i)), i);
  }));
  for (std::size_t row = 0; row != 51; ++row) {
    for (const double element : std::as_const(rows).row(row))
      ASSERT_EQ(element, row == 50 ? 7 : 7 + static_cast<double>(row));
  }
}

// An element that all write: in place the last one wins; of copies, nobody would know which.
TEST_P(WrittenArrays, AreNotSetToTwoValuesInOnePlace) {
  auto same = made({10});
  const auto outcomes =
      parallel().outcomes(tasks(12, [&](int i) { return delayed<write_first>(same.view(), i); }));
  std::vector<double> values;
  for (int i = 0; i != 12; ++i) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    if (outcome.has_value()) {
      values.push_back(i + 1);
      continue;
    }
    EXPECT_TRUE(is_a<SerializationError>(outcome.error()));
    const std::string text = text_of(outcome.error());
    EXPECT_NE(text.find("task " + std::to_string(i) + " and task "), std::string::npos) << text;
  }
  EXPECT_EQ(values.size(), shares_memory() ? 12u : 1u);
  EXPECT_NE(std::find(values.begin(), values.end(), same(0)), values.end());
  EXPECT_EQ(same(1), 0);
}

TEST_P(WrittenArrays, HoldNothingOfAttemptsThatFailed) {
  auto all = made({400'000});
  parallel(1)(tasks(30, [&](int i) { return delayed<write_badly_at_first>(all.view(), i); }));
  for (std::size_t i = 0; i != all.size(); ++i) ASSERT_EQ(all(i), i < 30 ? 1 : 0) << i;
}

TEST_P(WrittenArrays, AreWrittenOnceMoreWhereANodeIsLost) {
  auto all = made({400'000});
  const std::string begun = cluster.folder() + "/begun";
  std::thread killer([&] {
    std::string host;
    (void)eventually([&] { return static_cast<bool>(std::ifstream(begun) >> host); });
    cluster.kill(host.empty() ? "one" : host);
  });
  const auto hosts = parallel({}, true)(
      tasks(30, [&](int i) { return delayed<write_and_lose_node>(all.view(), begun, i); }));
  killer.join();
  EXPECT_FALSE(hosts[3].empty());
  for (std::size_t i = 0; i != all.size(); ++i)
    ASSERT_EQ(all(i), i < 30 ? static_cast<double>(i + 1) : 0) << i;
}

// In the caller's file, or in copies of which little is sent back where little was changed.
TEST_P(WrittenArrays, AreSharedOnOneMachineAlone) {
  auto all = made({100 * mebibyte / sizeof(double)});
  struct stat file {};
  ASSERT_EQ(stat((cluster.folder() + "/1.npy").c_str(), &file), 0);
  const auto inodes =
      parallel()(tasks(60, [&](int i) { return delayed<write_own>(all.view(), i); }));
  for (const std::uint64_t inode : inodes) EXPECT_EQ(inode, shares_memory() ? file.st_ino : 0);
  for (std::size_t i = 0; i != 60; ++i) ASSERT_EQ(all(i), static_cast<double>(i + 1));
  const auto counted = [&](const std::string& what) {
    const std::string text = cluster.run("status --json --scheduler " + cluster.address());
    const std::string name = "\"" + what + "\":";
    std::uint64_t sum = 0;
    for (std::size_t at = 0; (at = text.find(name, at)) != std::string::npos; at += name.size())
      sum += std::stoull(text.substr(at + name.size()));
    return sum;
  };
  // To each node once at most, and one of them may have it from the other.
  EXPECT_TRUE(
      eventually([&] { return shares_memory() || counted("received_bytes") >= 100 * mebibyte; }));
  EXPECT_LT(counted("sent_bytes"), 150 * mebibyte);
}

INSTANTIATE_TEST_SUITE_P(Nodes, WrittenArrays, testing::Bool(), [](const auto& about) {
  return about.param ? "OfThisMachine" : "OfOthers";
});

}  // namespace
}  // namespace paracord::cluster_tests
