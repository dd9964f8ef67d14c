// Nodes in a network of their own, which the scheduler reaches and the client does not.

#include <optional>

#include "paracord/core/errors.h"
#include "paracord/memmap/array.h"
#include "paracord/tests/backends/zeromq/local_cluster.h"
#include "paracord/tests/backends/zeromq/networks.h"

namespace paracord::cluster_tests {
namespace {

constexpr const char* client_address = "10.231.8.1";
constexpr const char* outer_address = "10.231.8.2";
constexpr const char* inner_address = "10.231.9.1";
constexpr const char* node_address = "10.231.9.2";

Array<double> doubled(const Array<double>& values, int task) {
  Array<double> result(values.shape());
  for (std::size_t i = 0; i != values.size(); ++i) result.data()[i] = 2 * values.data()[i] + task;
  return result;
}

class RelayedNodes : public testing::Test {
 protected:
  void SetUp() override {
    const std::string trouble = enter_own_network();
    if (trouble.starts_with("skipped")) GTEST_SKIP() << trouble;
    ASSERT_EQ(trouble, "");
    head.emplace();
    nodes.emplace();
    join({"client", client_address}, {"outer", outer_address, &*head});
    join({"nodes", node_address, &*nodes}, {"inner", inner_address, &*head});
    (void)cluster.run("keygen " + keys());
    ASSERT_EQ(cluster.last_exit(), 0);
  }
  std::string keys() const { return cluster.folder() + "/keys"; }

  void start(std::vector<std::string> more = {}) {
    std::vector<std::string> arguments{"scheduler", "--keys", keys()};
    arguments.insert(arguments.end(), more.begin(), more.end());
    cluster.wrap_in(head->prefix());
    cluster.start("scheduler", arguments);
    ASSERT_TRUE(
        eventually([&] { return cluster.log("scheduler").find("ready on") != std::string::npos; }));
    cluster.wrap_in(nodes->prefix());
    cluster.set_address(std::string("tcp://") + inner_address + ":7710");
    for (const char* name : {"one", "two"})
      cluster.start_node(name, 1, {"--keys", keys(), "--advertise", node_address});
    cluster.set_address(std::string("tcp://") + outer_address + ":7710");
  }
  ParallelOptions options() const {
    ZeromqOptions zeromq;
    zeromq.keys = keys();
    return cluster.options(zeromq);
  }

  LocalCluster cluster;
  std::optional<Network> head, nodes;
};

TEST_F(RelayedNodes, AreReachedThroughTheScheduler) {
  start();
  Array<double> values({std::size_t{1} << 18});
  for (std::size_t i = 0; i != values.size(); ++i) values.data()[i] = static_cast<double>(i);
  values.freeze();
  const auto results =
      Parallel(options())(tasks(6, [&](int i) { return delayed<doubled>(values, i); }));
  ASSERT_EQ(results.size(), 6u);
  for (int i = 0; i != 6; ++i) {
    const auto& result = results[static_cast<std::size_t>(i)];
    ASSERT_EQ(result.size(), values.size());
    EXPECT_EQ(result.data()[1000], 2000.0 + i);
  }
}

TEST_F(RelayedNodes, AreNamedWhereThereIsNoRelay) {
  start({"--relay-listen", "none"});
  try {
    (void)Parallel(options())(
        tasks(2, [&](int i) { return delayed<doubled>(Array<double>({4}), i); }));
    ADD_FAILURE() << "the call has gone through";
  } catch (const BackendUnavailable& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("cannot be reached"), std::string::npos) << text;
    EXPECT_NE(text.find(node_address), std::string::npos) << text;
    EXPECT_NE(text.find("--relay-listen"), std::string::npos) << text;
  }
}

}  // namespace
}  // namespace paracord::cluster_tests
