#include "paracord/backends/zeromq/peer_link.h"

#include "paracord/tests/backends/zeromq/link_fixture.h"

namespace paracord::cluster {
namespace {

class PeerLinkTest : public testing::Test {
 protected:
  std::vector<Packet> hello() {
    if (link.hello_is_due()) link.say_hello(NodeHello{});
    return link.take_outgoing();
  }
  void begin(std::uint64_t epoch = 1) {
    link.connected(now);
    session = hello().at(0).session;
    link.receive({session, 1, {Welcome{epoch, 0, Time(seconds(1)).count()}}}, now);
  }
  void pass(Time time) { link.tick(now += time); }

  PeerLink link{7};
  Time now{};
  std::uint64_t session = 0;
};

TEST_F(PeerLinkTest, BeginsASessionWithItsHello) {
  link.connected(now);
  const auto packets = hello();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].session, 1u);
  EXPECT_EQ(packets[0].sequence, 1u);
  EXPECT_FALSE(link.is_welcome());
}

TEST_F(PeerLinkTest, PutsAllMessagesIntoOnePacket) {
  begin();
  link.say(Drain{});
  link.say(HaveObjects{});
  const auto packets = link.take_outgoing();
  ASSERT_EQ(packets.size(), 1u);
  EXPECT_EQ(packets[0].sequence, 2u);
  EXPECT_EQ(packets[0].messages.size(), 2u);
}

TEST_F(PeerLinkTest, WhatCanWaitGoesWithTheNextOrAfterAMoment) {
  begin();
  link.say_soon(Drain{});
  EXPECT_TRUE(link.take_outgoing().empty());
  const Time due = link.next_deadline();
  EXPECT_GT(due, now);
  EXPECT_LE(due, now + milliseconds(1));
  link.say_soon(Drain{});
  EXPECT_EQ(link.next_deadline(), due);
  pass(due - now);
  EXPECT_EQ(link.take_outgoing().at(0).messages.size(), 2u);
  link.say_soon(Drain{});
  link.say(HaveObjects{});
  EXPECT_LE(link.next_deadline(), now);
  EXPECT_EQ(link.take_outgoing().at(0).messages.size(), 2u);
  link.say_soon(Drain{});
  link.hurry();
  EXPECT_EQ(link.take_outgoing().size(), 1u);
}

TEST_F(PeerLinkTest, BoundsAPacketAndSendsTheRestAtOnce) {
  begin();
  for (int i = 0; i != 3; ++i)
    link.say(Results{9, 1, {1, 1}, 7, {0}, bytes(std::string(std::size_t{3} << 20, 'x'))});
  EXPECT_EQ(link.take_outgoing().at(0).messages.size(), 2u);
  EXPECT_LE(link.next_deadline(), now);
  EXPECT_EQ(link.take_outgoing().at(0).messages.size(), 1u);
  EXPECT_TRUE(link.take_outgoing().empty());
}

TEST_F(PeerLinkTest, SaysHelloAgainWhileNobodyAnswersLessOftenEachTime) {
  link.connected(now);
  std::vector<Time> waits;
  for (int i = 0; i != 6; ++i) {
    ASSERT_EQ(hello().size(), 1u);
    const Time from = now, deadline = link.next_deadline();
    waits.push_back(deadline - from);
    pass(deadline - from - Time(1));
    EXPECT_FALSE(link.hello_is_due());
    pass(Time(1));
    EXPECT_TRUE(link.hello_is_due());
  }
  EXPECT_GT(waits[2], waits[0]);
  EXPECT_LE(waits[5], seconds(6));
}

TEST_F(PeerLinkTest, OpensItsNextSessionWhenAPacketIsMissing) {
  begin();
  EXPECT_TRUE(link.receive({session, 3, {Slots{1}}}, now).empty());
  EXPECT_EQ(hello().at(0).session, session + 1);
}

TEST_F(PeerLinkTest, DropsRepeatedPackets) {
  begin();
  EXPECT_EQ(link.receive({session, 2, {Slots{1}}}, now).size(), 1u);
  EXPECT_TRUE(link.receive({session, 2, {Slots{1}}}, now).empty());
  EXPECT_TRUE(link.is_welcome());
}

TEST_F(PeerLinkTest, AnswersResyncByANewSession) {
  begin();
  link.receive({0, session, {Resync{}}}, now);
  EXPECT_EQ(hello().at(0).session, session + 1);
}

TEST_F(PeerLinkTest, IgnoresAResyncThatIsLate) {
  begin();
  link.receive({0, session - 1 + 100, {Resync{}}}, now);
  EXPECT_FALSE(link.hello_is_due());
}

TEST_F(PeerLinkTest, BeatsWhenNothingElseWasSaid) {
  begin();
  pass(milliseconds(900));
  EXPECT_TRUE(link.take_outgoing().empty());
  pass(milliseconds(100));
  EXPECT_EQ(all<Heartbeat>(link.take_outgoing().at(0).messages).size(), 1u);
}

TEST_F(PeerLinkTest, DoesNotBeatWhileItIsNotWelcome) {
  link.connected(now);
  hello();
  pass(milliseconds(400));
  EXPECT_TRUE(link.take_outgoing().empty());
}

TEST_F(PeerLinkTest, TakesALowerEpochForAnEnemy) {
  begin(5);
  link.connected(now);
  const std::uint64_t next = hello().at(0).session;
  link.receive({next, 1, {Welcome{4, 0, 0}}}, now);
  EXPECT_FALSE(link.is_welcome());
  EXPECT_EQ(link.known_epoch(), 5u);
}

TEST_F(PeerLinkTest, DoesNotTryAgainOnceItIsRefused) {
  begin();
  EXPECT_EQ(link.receive({0, 0, {Refuse{"no"}}}, now).size(), 1u);
  link.connected(now);
  EXPECT_FALSE(link.hello_is_due());
  EXPECT_EQ(link.next_deadline(), Time::max());
}

TEST_F(PeerLinkTest, SaysGoodbyeBehindWhatWasSaid) {
  begin();
  link.say(Drain{});
  link.goodbye();
  const auto packets = link.take_outgoing();
  EXPECT_TRUE(std::holds_alternative<Goodbye>(packets.at(0).messages.back()));
  link.say(Drain{});
  EXPECT_TRUE(link.take_outgoing().empty());
}

}  // namespace
}  // namespace paracord::cluster
