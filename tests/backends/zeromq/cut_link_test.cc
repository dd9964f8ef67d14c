// A cluster over a network that fails: two network namespaces, joined by a cable of their own. They
// have no names, and go with the last process in them.

#include <sched.h>

#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

constexpr const char* near_address = "10.231.7.1";
constexpr const char* far_address = "10.231.7.2";

int noted(std::string path, int task) {
  Ledger::note(path, task);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return task * 3;
}

class CutLink : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("ip -V >/dev/null 2>&1 && nsenter -V >/dev/null 2>&1") != 0)
      GTEST_SKIP() << "skipped: there is no ip, or no nsenter (packages iproute2, util-linux)";
    if (unshare(CLONE_NEWNET) != 0)
      GTEST_SKIP() << "skipped: this user may not make network namespaces";
    far_ = fork();
    if (far_ == 0) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      while (true) pause();
    }
    const auto own = std::filesystem::read_symlink("/proc/self/ns/net");
    const std::string its = "/proc/" + std::to_string(far_) + "/ns/net";
    ASSERT_TRUE(eventually([&] { return std::filesystem::read_symlink(its) != own; }));
    if (std::system("ip link add near type veth peer name far") != 0)
      GTEST_SKIP() << "skipped: this system has no virtual network cables";
    ASSERT_TRUE(run("ip link set far netns " + std::to_string(far_)));
    for (const char* link : {"lo", "near"}) ASSERT_TRUE(run(std::string("ip link set up ") + link));
    ASSERT_TRUE(run(std::string("ip addr add ") + near_address + "/24 dev near"));
    for (const char* link : {"lo", "far"}) ASSERT_TRUE(run(far("ip link set up ") + link));
    ASSERT_TRUE(run(far("ip addr add ") + far_address + "/24 dev far"));
  }
  ~CutLink() override {
    if (far_ <= 0) return;
    ::kill(far_, SIGKILL);
    waitpid(far_, nullptr, 0);
  }
  static bool run(const std::string& command) { return std::system(command.c_str()) == 0; }
  std::string far(const std::string& command) const {
    return "nsenter -t " + std::to_string(far_) + " -n " + command;
  }
  std::string node(const std::string& name) const {
    return cluster.run("status --json --scheduler " + cluster.address())
                       .find("\"name\":\"" + name + "\"") != std::string::npos
               ? name
               : "";
  }

  LocalCluster cluster;
  Ledger ledger{cluster.folder()};
  int far_ = 0;
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
  cluster.wrap_in({"nsenter", "-t", std::to_string(far_), "-n"});
  cluster.start_node("far", 1,
                     {"--insecure-listen-without-keys", std::string("tcp://") + far_address + ":*",
                      "--advertise", far_address});
  ASSERT_TRUE(eventually([&] { return node("far") == "far"; }));
  constexpr int count = 10'000;
  std::thread beside([&] {
    (void)eventually([&] { return ledger.runs().size() > 500; });
    EXPECT_TRUE(run("ip link set near down"));
    std::this_thread::sleep_for(std::chrono::seconds(20));
    EXPECT_EQ(node("far"), "");  // lost: its tasks run elsewhere
    EXPECT_TRUE(run("ip link set near up"));
  });
  ParallelOptions options = cluster.options();
  options.batch_size = 8;
  std::vector<int> results;
  EXPECT_NO_THROW(results = Parallel(options)(
                      tasks(count, [&](int i) { return delayed<noted>(ledger.path(), i); })));
  beside.join();
  ASSERT_EQ(results.size(), static_cast<std::size_t>(count));
  for (int i = 0; i != count; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], 3 * i);
  EXPECT_TRUE(eventually([&] { return node("far") == "far"; }));
}

}  // namespace
}  // namespace paracord::cluster_tests
