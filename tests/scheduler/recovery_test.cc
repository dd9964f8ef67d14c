// What a restarted scheduler is told, and what it makes of it.

#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

class Recovery : public testing::Test {
 protected:
  void SetUp() override {
    node = &cluster.add_node(10);
    client = &cluster.add_client(1);
    client->ledger.open_call(cluster.call(1));
  }
  void submit(BatchId id) {
    client->ledger.submit(cluster.batch(id));
    cluster.settle();
  }
  // Messages of the scheduler that the client has not got when it dies.
  void lose_assignment(BatchId id) {
    client->ledger.submit(cluster.batch(id));
    for (Packet& packet : client->ledger.take_outgoing())
      cluster.scheduler->receive(1, Role::client, std::move(packet), cluster.now);
    for (Outgoing& outgoing : cluster.scheduler->take_outgoing()) {
      if (outgoing.peer == 10) node->ledger.receive(std::move(outgoing.packet), cluster.now);
    }
    cluster.start_scheduler();
  }

  SmallCluster cluster;
  SmallCluster::NodeSide* node = nullptr;
  SmallCluster::ClientSide* client = nullptr;
};

TEST_F(Recovery, WaitsForTheNodeOfAnAssignedBatch) {
  submit(1);
  node->cut = true;
  cluster.start_scheduler();
  cluster.advance(seconds(10));
  EXPECT_TRUE(client->all<client::Over>().empty());
  node->cut = false;
  cluster.advance(seconds(6));
  cluster.finish(*node, node->runs()[0]);
  cluster.keep_all(*client);
  ASSERT_EQ(client->all<client::Over>().size(), 1u);
  EXPECT_TRUE(client->all<client::Over>()[0].missing.empty());
}

TEST_F(Recovery, GivesAnAssignedBatchUpWhenItsNodeDoesNotComeBack) {
  submit(1);
  node->cut = true;
  cluster.start_scheduler();
  cluster.advance(seconds(20));
  ASSERT_EQ(client->all<client::Over>().size(), 1u);
  EXPECT_EQ(client->all<client::Over>()[0].losses, 1u);
  EXPECT_EQ(client->all<client::ForgetNode>().size(), 1u);
}

TEST_F(Recovery, AdoptsABatchWhoseAssignmentTheClientDoesNotKnow) {
  submit(1);
  cluster.finish(*node, node->runs()[0]);
  cluster.keep_all(*client);
  lose_assignment(2);
  cluster.advance(seconds(5));
  ASSERT_EQ(node->runs().size(), 2u);
  cluster.finish(*node, node->runs()[1]);
  cluster.keep_all(*client);
  EXPECT_EQ(client->all<client::Over>().size(), 2u);
  EXPECT_EQ(node->runs().size(), 2u);
}

TEST_F(Recovery, DoesNotAssignWhatMayBeWithANodeThatHasNotCome) {
  submit(1);
  cluster.finish(*node, node->runs()[0]);
  cluster.keep_all(*client);
  node->cut = true;
  lose_assignment(2);
  auto& other = cluster.add_node(11);
  cluster.advance(seconds(10));
  EXPECT_TRUE(other.runs().empty());
  cluster.advance(seconds(10));
  EXPECT_EQ(other.runs().size(), 1u);
}

TEST_F(Recovery, KeepsWhatANodeHoldsForAClientThatIsLate) {
  submit(1);
  client->cut = true;
  cluster.start_scheduler();
  cluster.advance(seconds(20));
  cluster.finish(*node, node->runs()[0]);
  EXPECT_TRUE(node->all<node::Stop>().empty());
  client->cut = false;
  cluster.advance(seconds(6));
  cluster.keep_all(*client);
  ASSERT_EQ(client->all<client::Over>().size(), 1u);
  EXPECT_TRUE(client->all<client::Over>()[0].missing.empty());
  EXPECT_TRUE(node->ledger.is_empty());
}

// The answer to its call was lost, and when it asks anew there is no node for a moment.
TEST_F(Recovery, AnswersACallAgainWhenThereAreNodesAgain) {
  client->ledger.hurry();
  for (Packet& packet : client->ledger.take_outgoing())
    cluster.scheduler->receive(1, Role::client, std::move(packet), cluster.now);
  (void)cluster.scheduler->take_outgoing();
  node->ledger.goodbye();
  cluster.settle();
  client->ledger.connected(cluster.now);
  cluster.settle();
  EXPECT_TRUE(client->all<client::CallReady>().empty());
  cluster.add_node(11);
  EXPECT_EQ(client->all<client::CallReady>().size(), 1u);
}

// Lost and back before the client of its task is there, which has never heard of that.
TEST_F(Recovery, KnowsWhoWaitsAtANodeThatWasLostForAMoment) {
  submit(1);
  auto& other = cluster.add_node(11);
  auto& inner = cluster.add_client(2, 1, 1);
  OpenCall nested = cluster.call(1);
  nested.parent = node->runs().at(0).attempt;
  nested.parent_node = 10;
  nested.nesting_level = 1;
  inner.ledger.open_call(nested);
  inner.ledger.waiting(1, true);
  cluster.settle();
  client->cut = true;
  cluster.start_scheduler();
  cluster.advance(seconds(20));
  node->cut = true;
  cluster.scheduler->disconnected(10, cluster.now);
  cluster.advance(seconds(1));
  EXPECT_EQ(cluster.scheduler->view(cluster.now).nodes.size(), 1u);
  node->cut = false;
  client->cut = false;
  cluster.advance(seconds(6));
  EXPECT_TRUE(node->all<node::Stop>().empty());
  // Now only the slot of the task that waits is left to run what it waits for.
  other.ledger.goodbye();
  inner.ledger.submit(cluster.batch(1));
  cluster.advance(seconds(1));
  EXPECT_EQ(node->all<node::Lent>().size(), 1u);
  EXPECT_EQ(node->runs().size(), 2u);
}

TEST_F(Recovery, LetsGoOfWhatNoClientComesFor) {
  submit(1);
  client->cut = true;
  cluster.start_scheduler();
  cluster.advance(seconds(70));
  EXPECT_EQ(node->all<node::Stop>().size(), 1u);
  EXPECT_EQ(node->all<node::EndClient>().size(), 1u);
}

TEST_F(Recovery, CancelsWhatTheClientDoesNotExpect) {
  submit(1);
  client->cut = true;
  client->ledger.cancel_call(1);
  client->ledger.close_call(1);
  client->cut = false;
  cluster.start_scheduler();
  cluster.advance(seconds(5));
  EXPECT_EQ(node->all<node::Stop>().size(), 1u);
}

TEST_F(Recovery, HasResultsSentAgainThatTheClientMissed) {
  submit(1);
  client->cut = true;
  cluster.finish(*node, node->runs()[0]);
  client->cut = false;
  cluster.advance(seconds(5));
  cluster.keep_all(*client);
  ASSERT_EQ(client->all<client::Over>().size(), 1u);
  EXPECT_TRUE(client->all<client::Over>()[0].missing.empty());
  EXPECT_EQ(node->runs().size(), 1u);
}

TEST_F(Recovery, ReturnsWhatNeverReachedItsNode) {
  node->cut = true;
  submit(1);
  node->cut = false;
  cluster.advance(seconds(3));
  ASSERT_EQ(client->all<client::Over>().size(), 1u);
  EXPECT_EQ(client->all<client::Over>()[0].missing.size(), 1u);
  EXPECT_EQ(client->all<client::Over>()[0].losses, 0u);
}

}  // namespace
}  // namespace paracord::cluster
