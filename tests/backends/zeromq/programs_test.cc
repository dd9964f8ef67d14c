// Programs of several clients on one cluster, and those that cannot run there.

#include "paracord/tests/backends/zeromq/local_cluster.h"
#include "paracord/transport/control_link.h"

namespace paracord::cluster_tests {
namespace {

int cubed(int i) {
  return i * i * i;
}

struct Programs : testing::Test {
  void SetUp() override {
    cluster.start_scheduler();
    cluster.start_node("one", 2);
  }
  LocalCluster cluster;
};

TEST_F(Programs, OfSeveralBuildsRunAtOnce) {
  std::string sum;
  int exit_code = -1;
  std::thread other([&] {
    const std::string command =
        "PARACORD_SCHEDULER=" + cluster.address() + " '" PARACORD_EXAMPLE "'";
    for (int i = 0; i != 3; ++i) {
      FILE* pipe = popen(command.c_str(), "r");
      char buffer[64] = {};
      (void)!fread(buffer, 1, sizeof buffer - 1, pipe);
      exit_code = pclose(pipe);
      sum = buffer;
    }
  });
  Parallel parallel(cluster.options());
  for (int round = 0; round != 10; ++round) {
    const auto results = parallel(tasks(500, [](int i) { return delayed<cubed>(i); }));
    for (int i = 0; i != 500; ++i) ASSERT_EQ(results[static_cast<std::size_t>(i)], i * i * i);
  }
  other.join();
  EXPECT_EQ(exit_code, 0);
  EXPECT_EQ(sum, "332833500\n");
}

// Its loader says what is missing.
TEST_F(Programs, ThatCannotStartFailTheCall) {
  ZeromqOptions options;
  options.worker_binary = PARACORD_NEEDS_A_LIBRARY;
  try {
    (void)Parallel(cluster.options(options))(tasks(5, [](int i) { return delayed<cubed>(i); }));
    ADD_FAILURE() << "it ran";
  } catch (const BackendUnavailable& error) {
    EXPECT_NE(std::string(error.what()).find("libparacord_test_missing.so"), std::string::npos)
        << error.what();
  }
  // The node is none the worse for it.
  const auto results =
      Parallel(cluster.options())(tasks(5, [](int i) { return delayed<cubed>(i); }));
  EXPECT_EQ(results[4], 64);
}

TEST_F(Programs, OfAnotherProtocolAreRefusedAndToldWhy) {
  cluster::ControlLink::Options about;
  about.address = cluster.address();
  cluster::ControlLink link(about);
  const auto packet = [] {
    cluster::NodeHello hello;
    hello.protocol = 99;
    hello.node = 7;
    hello.name = "from the future";
    return cluster::Packet{1, 1, {hello}};
  };
  std::string why;
  EXPECT_TRUE(eventually([&] {
    cluster::ControlLink::Came came = link.wait(std::chrono::milliseconds(100));
    if (came.connected) (void)link.send(packet());
    for (const cluster::Packet& answer : came.packets) {
      for (const cluster::Message& message : answer.messages) {
        if (const auto* refusal = std::get_if<cluster::Refuse>(&message)) why = refusal->why;
      }
    }
    return !why.empty();
  }));
  EXPECT_NE(why.find("99"), std::string::npos) << why;
  EXPECT_NE(why.find("1"), std::string::npos) << why;
  EXPECT_EQ(cluster.run("status --json --scheduler " + cluster.address()).find("future"),
            std::string::npos);
}

}  // namespace
}  // namespace paracord::cluster_tests
