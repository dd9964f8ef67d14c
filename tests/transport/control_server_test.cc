#include "paracord/transport/control_server.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>

#include "paracord/transport/control_link.h"

namespace paracord::cluster {
namespace {

using std::chrono::milliseconds;

class ControlServerTest : public testing::Test {
 protected:
  std::unique_ptr<ControlLink> peer(PeerId id) {
    auto link = std::make_unique<ControlLink>(ControlLink::Options{address(), {}, {}});
    while (!link->wait(milliseconds(100)).connected) {
    }
    ClientHello hello;
    hello.client = id;
    EXPECT_TRUE(link->send({1, 1, {hello}}));
    while (server.wait(milliseconds(100)).empty()) {
    }
    return link;
  }
  std::string address() const { return server.addresses().front(); }

  ControlServer server{{{"tcp://127.0.0.1:*"}, {}, {}, {}, {}}};
};

TEST_F(ControlServerTest, NoticesAtOnceWhoHasGone) {
  auto stays = peer(1), goes = peer(2);
  EXPECT_TRUE(server.take_doubted().empty());
  goes.reset();
  std::vector<PeerId> doubted;
  for (int i = 0; i != 100 && doubted.empty(); ++i) {
    (void)server.wait(milliseconds(100));
    doubted = server.take_doubted();
  }
  EXPECT_EQ(doubted, std::vector<PeerId>{2});
  auto sent = ControlServer::Sent::yes;
  for (int i = 0; i != 100 && sent != ControlServer::Sent::gone; ++i) {
    (void)server.wait(milliseconds(10));
    sent = server.send(2, {1, 2, {Heartbeat{}}});
  }
  EXPECT_EQ(sent, ControlServer::Sent::gone);
  EXPECT_EQ(server.send(1, {1, 2, {Heartbeat{}}}), ControlServer::Sent::yes);
}

// One that connects again has another connection, and is there.
TEST_F(ControlServerTest, TakesAPeerThatComesAgainForPresent) {
  auto first = peer(1);
  auto second = peer(1);
  first.reset();
  for (int i = 0; i != 5; ++i) (void)server.wait(milliseconds(20));
  EXPECT_EQ(server.send(1, {1, 2, {Heartbeat{}}}), ControlServer::Sent::yes);
}

}  // namespace
}  // namespace paracord::cluster
