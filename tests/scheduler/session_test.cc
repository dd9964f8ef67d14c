// Sessions, and peers that say what they should not.

#include "paracord/scheduler/limits.h"
#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

class Sessions : public testing::Test {
 protected:
  std::vector<Message> say(PeerId peer, Role role, Packet packet) {
    scheduler.receive(peer, role, std::move(packet), now);
    std::vector<Message> answers;
    for (Outgoing& outgoing : scheduler.take_outgoing()) {
      if (outgoing.peer != peer) continue;
      for (Message& message : outgoing.packet.messages) answers.push_back(std::move(message));
    }
    return answers;
  }
  static ClientHello client_hello(PeerId id = 1) {
    ClientHello hello;
    hello.client = hello.root = id;
    return hello;
  }
  static NodeHello node_hello(PeerId id = 10) {
    NodeHello hello;
    hello.node = id;
    return hello;
  }
  template <class Known>
  static bool has(const std::vector<Message>& messages) {
    for (const Message& message : messages) {
      if (std::holds_alternative<Known>(message)) return true;
    }
    return false;
  }
  static std::string refusal(const std::vector<Message>& messages) {
    for (const Message& message : messages) {
      if (const auto* refuse = std::get_if<Refuse>(&message)) return refuse->why;
    }
    return {};
  }

  Scheduler scheduler{{}, 5};
  Time now{};
};

TEST_F(Sessions, WelcomeAHelloThatBeginsOne) {
  EXPECT_TRUE(has<Welcome>(say(1, Role::client, {1, 1, {client_hello()}})));
}

TEST_F(Sessions, AnswerResyncToAnUnknownPeer) {
  EXPECT_TRUE(has<Resync>(say(1, Role::client, {4, 9, {Heartbeat{}}})));
  EXPECT_TRUE(scheduler.view(now).clients.empty());
}

TEST_F(Sessions, AnswerResyncToAGap) {
  say(1, Role::client, {1, 1, {client_hello()}});
  EXPECT_TRUE(has<Resync>(say(1, Role::client, {1, 3, {Heartbeat{}}})));
}

TEST_F(Sessions, DropRepeatedAndOldPackets) {
  say(1, Role::client, {2, 1, {client_hello()}});
  EXPECT_TRUE(say(1, Role::client, {2, 1, {client_hello()}}).empty());
  EXPECT_TRUE(say(1, Role::client, {1, 1, {client_hello()}}).empty());
}

TEST_F(Sessions, RefuseAnotherVersionAndNameBoth) {
  ClientHello hello = client_hello();
  hello.protocol = 99;
  const std::string why = refusal(say(1, Role::client, {1, 1, {hello}}));
  EXPECT_NE(why.find("version 99"), std::string::npos) << why;
  EXPECT_NE(why.find("version 1"), std::string::npos) << why;
  EXPECT_NE(why.find("install"), std::string::npos) << why;
}

TEST_F(Sessions, RefuseAHelloOfAnotherRole) {
  EXPECT_NE(refusal(say(1, Role::client, {1, 1, {node_hello(1)}})), "");
  EXPECT_TRUE(scheduler.view(now).nodes.empty());
}

TEST_F(Sessions, RefuseAHelloInAnothersName) {
  EXPECT_NE(refusal(say(2, Role::client, {1, 1, {client_hello(1)}})), "");
}

TEST_F(Sessions, BanAClientThatSpeaksAsANode) {
  say(1, Role::client, {1, 1, {client_hello()}});
  EXPECT_NE(refusal(say(1, Role::client, {1, 2, {HaveObjects{}}})), "");
  EXPECT_TRUE(scheduler.view(now).clients.empty());
  EXPECT_NE(refusal(say(1, Role::client, {2, 1, {client_hello()}})), "");
}

TEST_F(Sessions, BanAClientThatSubmitsToACallThatIsNotOpen) {
  say(1, Role::client, {1, 1, {client_hello()}});
  const Submit submit{1, 7, 1, 0, bytes("tasks"), {}};
  EXPECT_NE(refusal(say(1, Role::client, {1, 2, {submit}})).find("call 7"), std::string::npos);
}

TEST_F(Sessions, BanAbsurdCounts) {
  NodeHello hello = node_hello();
  hello.slots = scheduling::most_slots_of_node + 1;
  EXPECT_NE(refusal(say(10, Role::node, {1, 1, {hello}})), "");
  ClientHello client = client_hello();
  client.weight = 0;
  EXPECT_NE(refusal(say(1, Role::client, {1, 1, {client}})), "");
}

TEST_F(Sessions, DoNotAnswerAPeerOfALaterScheduler) {
  ClientHello hello = client_hello();
  hello.known_epoch = 6;
  EXPECT_TRUE(say(1, Role::client, {1, 1, {hello}}).empty());
}

TEST_F(Sessions, BeatWhenNothingElseWasSaid) {
  say(1, Role::client, {1, 1, {client_hello()}});
  now += seconds(1);
  EXPECT_EQ(scheduler.next_deadline(), now);
  scheduler.tick(now);
  const auto outgoing = scheduler.take_outgoing();
  ASSERT_EQ(outgoing.size(), 1u);
  EXPECT_TRUE(std::holds_alternative<Heartbeat>(outgoing[0].packet.messages.at(0)));
}

}  // namespace
}  // namespace paracord::cluster
