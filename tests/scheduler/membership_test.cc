// Who is silent, who is lost, who comes back.

#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

class Membership : public testing::Test {
 protected:
  SmallCluster::ClientSide& client_with(BatchId batches, std::uint32_t count = 1) {
    auto& client = cluster.add_client(1);
    client.ledger.open_call(cluster.call(1));
    for (BatchId id = 1; id <= batches; ++id) client.ledger.submit(cluster.batch(id, 1, count));
    cluster.settle();
    return client;
  }
  std::string state_of(PeerId id) {
    for (const auto& node : cluster.scheduler->view(cluster.now).nodes) {
      if (node.id == id) return node.state;
    }
    return "gone";
  }

  SmallCluster cluster;
};

TEST_F(Membership, ASilentNodeGetsNoNewWork) {
  auto& silent = cluster.add_node(10);
  silent.cut = true;
  cluster.advance(seconds(4));
  EXPECT_EQ(state_of(10), "suspect");
  client_with(1);
  EXPECT_TRUE(silent.runs().empty());
  silent.cut = false;
  cluster.advance(seconds(5));
  EXPECT_EQ(state_of(10), "up");
  EXPECT_EQ(silent.runs().size(), 1u);
}

TEST_F(Membership, ADisconnectedNodeIsSuspectAtOnceAndNotLost) {
  cluster.add_node(10);
  cluster.scheduler->disconnected(10, cluster.now);
  EXPECT_EQ(state_of(10), "suspect");
  cluster.advance(seconds(2));
  EXPECT_EQ(state_of(10), "up");
}

TEST_F(Membership, ANodeIsLostAfterItsTimeOnly) {
  auto& node = cluster.add_node(10);
  node.cut = true;
  cluster.advance(seconds(14));
  EXPECT_EQ(state_of(10), "suspect");
  cluster.advance(seconds(2));
  EXPECT_EQ(state_of(10), "gone");
  EXPECT_EQ(cluster.scheduler->view(cluster.now).nodes_lost, 1u);
}

TEST_F(Membership, ANodeThatHasClosedItsConnectionIsLostSoon) {
  auto& node = cluster.add_node(10);
  auto& client = client_with(1);
  node.cut = true;
  cluster.scheduler->disconnected(10, cluster.now);
  cluster.advance(milliseconds(400));
  // What is sent to it fails again, which means nothing new.
  cluster.scheduler->disconnected(10, cluster.now);
  EXPECT_EQ(state_of(10), "suspect");
  cluster.advance(milliseconds(200));
  EXPECT_EQ(state_of(10), "gone");
  EXPECT_EQ(client.all<client::Over>().size(), 1u);
}

TEST_F(Membership, ADoubtedPeerIsSentSomethingSoon) {
  auto& node = cluster.add_node(10);
  cluster.advance(seconds(2));
  (void)cluster.scheduler->take_outgoing();
  cluster.scheduler->doubt(10, cluster.now);
  const Time due = cluster.scheduler->next_deadline();
  EXPECT_LE(due, cluster.now + milliseconds(20));
  EXPECT_GT(due, cluster.now);
  cluster.scheduler->tick(cluster.now = due);
  EXPECT_EQ(cluster.scheduler->take_outgoing().size(), 1u);
  // It lives: nothing follows.
  node.ledger.tick(cluster.now);
  cluster.advance(seconds(3));
  EXPECT_EQ(state_of(10), "up");
}

TEST_F(Membership, ANodeThatConnectsAgainInTimeIsNotLost) {
  auto& node = cluster.add_node(10);
  auto& client = client_with(1);
  node.cut = true;
  cluster.scheduler->disconnected(10, cluster.now);
  cluster.advance(milliseconds(300));
  node.cut = false;
  node.ledger.connected(cluster.now);
  cluster.advance(seconds(3));
  EXPECT_EQ(state_of(10), "up");
  EXPECT_TRUE(client.all<client::Over>().empty());
}

// A network that was cut: what waits for an answer there closes the connection after a while.
TEST_F(Membership, AConnectionThatEndsAfterSilenceSaysNothingOfItsNode) {
  auto& node = cluster.add_node(10);
  node.cut = true;
  cluster.advance(seconds(8));
  cluster.scheduler->disconnected(10, cluster.now);
  cluster.advance(seconds(6));
  EXPECT_EQ(state_of(10), "suspect");
}

TEST_F(Membership, AClientThatHasClosedItsConnectionIsLostSoon) {
  auto& node = cluster.add_node(10);
  client_with(1).cut = true;
  cluster.scheduler->disconnected(1, cluster.now);
  cluster.advance(seconds(9));
  EXPECT_TRUE(node.all<node::Stop>().empty());
  cluster.advance(seconds(2));
  EXPECT_EQ(node.all<node::Stop>().size(), 1u);
}

TEST_F(Membership, WhileTheSchedulerStandsStillNobodyIsSilent) {
  cluster.add_node(10);
  auto& client = client_with(1);
  cluster.now += seconds(100);
  cluster.scheduler->paused(seconds(100), cluster.now);
  // Its connections may have been given up meanwhile, by either end.
  cluster.scheduler->disconnected(10, cluster.now);
  cluster.scheduler->disconnected(1, cluster.now);
  cluster.nodes.at(10)->cut = client.cut = true;
  cluster.advance(seconds(11));
  EXPECT_EQ(state_of(10), "suspect");
  cluster.nodes.at(10)->cut = client.cut = false;
  cluster.advance(seconds(2));
  EXPECT_EQ(state_of(10), "up");
  EXPECT_TRUE(client.all<client::Over>().empty());
}

TEST_F(Membership, WhatALostNodeBringsBackIsCancelledThere) {
  auto& node = cluster.add_node(10);
  auto& client = client_with(1);
  node.cut = true;
  cluster.advance(seconds(16));
  EXPECT_EQ(client.all<client::Over>().size(), 1u);
  node.cut = false;
  cluster.advance(seconds(3));
  EXPECT_EQ(state_of(10), "up");
  EXPECT_EQ(node.all<node::Stop>().size(), 1u);
}

TEST_F(Membership, ANodeThatSaysGoodbyeIsLostAtOnce) {
  auto& node = cluster.add_node(10);
  auto& client = client_with(1);
  node.ledger.goodbye();
  cluster.settle();
  EXPECT_EQ(state_of(10), "gone");
  EXPECT_EQ(client.all<client::Over>().size(), 1u);
}

TEST_F(Membership, AClientThatSaysGoodbyeIsForgottenEverywhere) {
  auto& node = cluster.add_node(10);
  client_with(1).ledger.goodbye();
  cluster.settle();
  EXPECT_TRUE(cluster.scheduler->view(cluster.now).clients.empty());
  EXPECT_EQ(node.all<node::Stop>().size(), 1u);
  EXPECT_EQ(node.all<node::EndClient>().size(), 1u);
}

TEST_F(Membership, AClientIsLostAfterItsLease) {
  auto& node = cluster.add_node(10);
  client_with(1).cut = true;
  cluster.advance(seconds(58));
  EXPECT_TRUE(node.all<node::Stop>().empty());
  cluster.advance(seconds(4));
  EXPECT_EQ(node.all<node::Stop>().size(), 1u);
  EXPECT_EQ(cluster.scheduler->view(cluster.now).clients_lost, 1u);
}

TEST_F(Membership, ADrainingNodeGetsNothingNewAndGivesBack) {
  auto& node = cluster.add_node(10);
  client_with(3);
  ASSERT_EQ(node.runs().size(), 2u);
  node.ledger.drain();
  cluster.settle();
  EXPECT_EQ(state_of(10), "draining");
  EXPECT_EQ(node.all<node::GiveBack>().size(), 2u);
  cluster.finish(node, node.runs()[0]);
  EXPECT_EQ(node.runs().size(), 2u);
}

TEST_F(Membership, WorkThatWaitsIsCalledBackForAnIdleNode) {
  auto& busy = cluster.add_node(10);
  auto& client = client_with(2);
  ASSERT_EQ(busy.runs().size(), 2u);
  auto& idle = cluster.add_node(11);
  cluster.advance(milliseconds(100));
  ASSERT_EQ(busy.all<node::GiveBack>().size(), 1u);
  busy.ledger.batch_over(busy.all<node::GiveBack>()[0].attempt, 0, 0);
  cluster.settle();
  ASSERT_EQ(client.all<client::Over>().size(), 1u);
  client.ledger.submit(cluster.batch(9));
  cluster.settle();
  EXPECT_EQ(idle.runs().size(), 1u);
}

TEST_F(Membership, TasksThatANodeRefusesGoToOthers) {
  auto& first = cluster.add_node(10);
  auto& client = client_with(1);
  first.ledger.batch_over(first.runs()[0].attempt, 0, 0, "no such library");
  auto& second = cluster.add_node(11);
  client.ledger.submit(cluster.batch(2));
  cluster.settle();
  EXPECT_EQ(first.runs().size(), 1u);
  ASSERT_EQ(second.runs().size(), 1u);
  second.ledger.batch_over(second.runs()[0].attempt, 0, 0, "nor here");
  cluster.settle();
  EXPECT_EQ(client.all<client::Over>().back().refusal, "nor here");
}

// A refusal belongs to the call: it holds for what comes later, as outcomes and retries send it.
TEST_F(Membership, WhatIsSubmittedAfterAllNodesHaveRefusedIsRefused) {
  auto& node = cluster.add_node(10);
  auto& client = client_with(4);
  node.ledger.batch_over(node.runs()[0].attempt, 0, 0, "no room");
  cluster.settle();
  const std::size_t runs = node.runs().size();
  for (BatchId id = 5; id != 9; ++id) client.ledger.submit(cluster.batch(id));
  cluster.settle();
  for (std::size_t i = 1; i != runs; ++i)
    node.ledger.batch_over(node.runs()[i].attempt, 0, 0, "no room");
  cluster.settle();
  EXPECT_EQ(node.runs().size(), runs);
  const auto over = client.all<client::Over>();
  EXPECT_EQ(over.size(), 8u);
  for (const auto& one : over) EXPECT_EQ(one.refusal, "no room") << one.batch;
  // Another call is not concerned, and a node that joins may take what comes then.
  client.ledger.open_call(cluster.call(2));
  client.ledger.submit(cluster.batch(20, 2));
  auto& other = cluster.add_node(11);
  client.ledger.submit(cluster.batch(21));
  cluster.settle();
  EXPECT_EQ(node.runs().size() + other.runs().size(), runs + 2);
}

class LastWillingNode : public Membership {
 protected:
  // Node 10 has refused, 11 has all it can take, and more is queued.
  void SetUp() override {
    auto& refusing = cluster.add_node(10);
    willing = &cluster.add_node(11);
    client = &client_with(12);
    while (refusing.runs().size() != answered) {
      refusing.ledger.batch_over(refusing.runs()[answered++].attempt, 0, 0, "no room");
      cluster.settle();
    }
    for (const auto& over : client->all<client::Over>())
      client->ledger.submit(cluster.batch(100 + over.batch));
    cluster.settle();
  }
  std::size_t refused() const {
    std::size_t count = 0;
    for (const auto& over : client->all<client::Over>()) count += over.refusal == "no room";
    return count;
  }
  SmallCluster::NodeSide* willing = nullptr;
  SmallCluster::ClientSide* client = nullptr;
  std::size_t answered = 0;
};

TEST_F(LastWillingNode, LeavesAndWhatIsQueuedIsRefused) {
  const std::size_t taken = willing->runs().size();
  ASSERT_LT(taken, 12u);
  EXPECT_EQ(refused(), 0u);
  willing->ledger.goodbye();
  cluster.settle();
  EXPECT_EQ(refused(), 12 - taken);
}

TEST_F(LastWillingNode, DrainsAndWhatIsQueuedIsRefused) {
  const std::size_t taken = willing->runs().size();
  willing->ledger.drain();
  cluster.settle();
  EXPECT_EQ(refused(), 12 - taken);
}

TEST_F(LastWillingNode, IsLostAndWhatIsQueuedIsRefused) {
  const std::size_t taken = willing->runs().size();
  willing->cut = true;
  cluster.advance(cluster.options.node_lost_after + seconds(1));
  EXPECT_EQ(refused(), 12 - taken);
}

}  // namespace
}  // namespace paracord::cluster
