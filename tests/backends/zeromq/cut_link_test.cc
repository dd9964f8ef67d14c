// A cluster over a network that fails.

#include <optional>

#include "paracord/tests/backends/zeromq/local_cluster.h"
#include "paracord/tests/backends/zeromq/networks.h"

namespace paracord::cluster_tests {
namespace {

constexpr const char* near_address = "10.231.7.1";
constexpr const char* far_address = "10.231.7.2";

int noted_slowly(std::string path, int task) {
  Ledger::note(path, task);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return task * 3;
}

class CutLink : public testing::Test {
 protected:
  void SetUp() override {
    const std::string trouble = enter_own_network();
    if (trouble.starts_with("skipped")) GTEST_SKIP() << trouble;
    ASSERT_EQ(trouble, "");
    far.emplace();
    join({"near", near_address}, {"far", far_address, &*far});
  }
  std::string node(const std::string& name) const {
    return cluster.run("status --json --scheduler " + cluster.address())
                       .find("\"name\":\"" + name + "\"") != std::string::npos
               ? name
               : "";
  }

  LocalCluster cluster;
  Ledger ledger{cluster.folder()};
  std::optional<Network> far;
};

TEST_F(CutLink, CostsNothingButTime) {
  const std::string address = std::string("tcp://") + near_address + ":7710";
  cluster.start("scheduler", {"scheduler", "--insecure-listen-without-keys", address});
  ASSERT_TRUE(
      eventually([&] { return cluster.log("scheduler").find("ready on") != std::string::npos; }));
  cluster.set_address(address);
  cluster.start_node("near", 1,
                     {"--insecure-listen-without-keys", std::string("tcp://") + near_address + ":*",
                      "--advertise", near_address});
  cluster.wrap_in(far->prefix());
  cluster.start_node("far", 1,
                     {"--insecure-listen-without-keys", std::string("tcp://") + far_address + ":*",
                      "--advertise", far_address});
  ASSERT_TRUE(eventually([&] { return node("far") == "far"; }));
  constexpr int count = 10'000;
  std::thread beside([&] {
    (void)eventually([&] { return ledger.runs().size() > 500; });
    EXPECT_TRUE(run_command("ip link set near down"));
    std::this_thread::sleep_for(std::chrono::seconds(20));
    EXPECT_EQ(node("far"), "");  // lost: its tasks run elsewhere
    EXPECT_TRUE(run_command("ip link set near up"));
  });
  ParallelOptions options = cluster.options();
  options.batch_size = 8;
  std::vector<int> results;
  EXPECT_NO_THROW(results = Parallel(options)(tasks(
                      count, [&](int i) { return delayed<noted_slowly>(ledger.path(), i); })));
  beside.join();
  ASSERT_EQ(results.size(), static_cast<std::size_t>(count));
  for (int i = 0; i != count; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], 3 * i);
  EXPECT_TRUE(eventually([&] { return node("far") == "far"; }));
}

}  // namespace
}  // namespace paracord::cluster_tests
