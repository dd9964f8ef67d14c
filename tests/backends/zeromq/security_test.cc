// Who may take part in a cluster, and what becomes of those who may not.

#include <sys/stat.h>

#include <random>
#include <zmq.hpp>

#include "paracord/tests/backends/zeromq/local_cluster.h"
#include "paracord/transport/packet_codec.h"

namespace paracord::cluster_tests {
namespace {

int square_of(int i) {
  return i * i;
}
double first_of(std::span<const double> values) {
  return values.front();
}

// A cluster with keys, on a port that the system chooses.
struct Keys : testing::Test {
  void SetUp() override {
    keys = cluster.folder() + "/keys";
    (void)cluster.run("keygen " + keys);
    ASSERT_EQ(cluster.last_exit(), 0);
    cluster.start("scheduler", {"scheduler", "--listen", "tcp://127.0.0.1:*", "--keys", keys});
    std::string log;
    ASSERT_TRUE(eventually([&] {
      log = cluster.log("scheduler");
      return log.find("ready on tcp://") != std::string::npos;
    }));
    const std::size_t begin = log.find("tcp://");
    cluster.set_address(log.substr(begin, log.find('\n', begin) - begin));
  }
  void start_node(const std::string& name, const std::string& with) {
    cluster.start_node(name, 1, {"--keys", with, "--data-listen", "tcp://127.0.0.1:*"});
  }
  // What a client with these keys is told; empty: it has its results.
  std::string run(const std::string& with) {
    ZeromqOptions zeromq;
    zeromq.keys = with;
    zeromq.connect_timeout = std::chrono::seconds(3);
    try {
      Parallel parallel(cluster.options(zeromq));
      const auto results = parallel(tasks(100, [](int i) { return delayed<square_of>(i); }));
      EXPECT_EQ(results[99], 99 * 99);
      const std::vector<double> numbers(300'000, 2.5);
      EXPECT_EQ(parallel(tasks(1, [&](int) { return delayed<first_of>(std::span(numbers)); }))[0],
                2.5);
      return {};
    } catch (const BackendUnavailable& error) {
      return error.what();
    }
  }
  LocalCluster cluster;
  std::string keys;
};

TEST_F(Keys, LetInThoseWhoHaveThem) {
  start_node("one", keys);
  EXPECT_EQ(run(keys), "");
  const std::string status =
      cluster.run("status --scheduler " + cluster.address() + " --keys " + keys);
  EXPECT_NE(status.find("one"), std::string::npos) << status;
}

TEST_F(Keys, TurnAwayThoseWhoHaveOthers) {
  start_node("one", keys);
  // Keys of another cluster, with the public key of this one.
  const std::string others = cluster.folder() + "/others";
  (void)cluster.run("keygen " + others);
  std::filesystem::copy_file(keys + "/scheduler.public", others + "/scheduler.public",
                             std::filesystem::copy_options::overwrite_existing);
  EXPECT_NE(run(others).find("refused this key"), std::string::npos);
  EXPECT_NE(cluster.log("scheduler").find("not among the authorised"), std::string::npos);
  EXPECT_EQ(run(keys), "");
}

TEST_F(Keys, TurnAwayThoseWhoHaveNone) {
  ZeromqOptions zeromq;
  zeromq.connect_timeout = std::chrono::seconds(1);
  EXPECT_THROW((void)Parallel(cluster.options(zeromq))(
                   tasks(1, [](int i) { return delayed<square_of>(i); })),
               BackendUnavailable);
}

TEST_F(Keys, OfClientsDoNotMakeNodes) {
  const std::string mixed = cluster.folder() + "/mixed";
  std::filesystem::create_directories(mixed);
  std::filesystem::copy_file(keys + "/client.secret", mixed + "/node.secret");
  std::filesystem::copy_file(keys + "/scheduler.public", mixed + "/scheduler.public");
  start_node("false", mixed);
  EXPECT_EQ(cluster.wait("false"), 1);
  EXPECT_NE(cluster.log("false").find("refused"), std::string::npos) << cluster.log("false");
  start_node("true", keys);
  EXPECT_EQ(run(keys), "");
}

TEST_F(Keys, MustBeTheirOwnersAlone) {
  chmod((keys + "/node.secret").c_str(), 0644);
  const std::string said = cluster.run("node --scheduler " + cluster.address() + " --keys " + keys);
  EXPECT_EQ(cluster.last_exit(), 2);
  EXPECT_NE(said.find("chmod 600"), std::string::npos) << said;
  (void)cluster.run("keygen " + keys);
  EXPECT_EQ(cluster.last_exit(), 2) << "keys were overwritten";
}

TEST(WithoutKeys, NothingListensToTheNetwork) {
  LocalCluster cluster;
  for (const char* command :
       {"scheduler --listen tcp://127.0.0.1:*", "node --data-listen tcp://127.0.0.1:*"}) {
    const std::string said = cluster.run(command);
    EXPECT_EQ(cluster.last_exit(), 2) << said;
    EXPECT_NE(said.find("keygen"), std::string::npos) << said;
  }
}

// Whatever comes, that peer alone is dropped.
TEST(Garbage, OnTheSchedulersSocketHarmsNobody) {
  LocalCluster cluster;
  cluster.start_scheduler();
  cluster.start_node("one");
  Parallel parallel(cluster.options());
  const auto check = [&] {
    const auto results = parallel(tasks(50, [](int i) { return delayed<square_of>(i); }));
    EXPECT_EQ(results[49], 49 * 49);
  };
  check();
  std::mt19937 random(7);
  const std::string hello = paracord::cluster::encode_packet(
      {1, 1, {paracord::cluster::Heartbeat{}, paracord::cluster::Goodbye{}}});
  zmq::context_t context;
  for (int round = 0; round != 200; ++round) {
    zmq::socket_t socket(context, zmq::socket_type::dealer);
    socket.set(zmq::sockopt::linger, 10'000);
    socket.connect(cluster.address());
    std::string bytes = hello.substr(0, random() % (hello.size() + 1));
    for (int change = 0; change != 3 && !bytes.empty(); ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (round % 5 == 0) bytes.assign(random() % 5000, static_cast<char>(random()));
    const auto more = round % 7 == 0 ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket.send(zmq::buffer(bytes), more);
    if (round % 7 == 0) socket.send(zmq::buffer(bytes), zmq::send_flags::none);
  }
  check();
  EXPECT_TRUE(eventually([&] {
    return cluster.run("status --json --scheduler " + cluster.address())
               .find("\"banned_peers\":0") == std::string::npos;
  }));
}

}  // namespace
}  // namespace paracord::cluster_tests
