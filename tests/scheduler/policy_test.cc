// Who comes first, where it goes, and what waits.

#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

class Policy : public testing::Test {
 protected:
  static OpenCall call(CallId id, std::int32_t priority, std::uint32_t level = 0) {
    OpenCall open = SmallCluster::call(id);
    open.priority = priority;
    open.nesting_level = level;
    return open;
  }
  static Submit needing(BatchId id, ObjectId object) {
    Submit submit = SmallCluster::batch(id);
    submit.needs = {object};
    return submit;
  }
  static OpenCall nested(const Assign& parent, PeerId node) {
    OpenCall open = SmallCluster::call(1);
    open.parent = parent.attempt;
    open.parent_node = node;
    open.nesting_level = 1;
    return open;
  }
  SmallCluster::ClientSide& client_with(BatchId batches) {
    auto& client = cluster.add_client(1);
    client.ledger.open_call(cluster.call(1));
    for (BatchId id = 1; id <= batches; ++id) client.ledger.submit(cluster.batch(id));
    cluster.settle();
    return client;
  }

  SmallCluster cluster;
  const ObjectId object{{1, 2}, 1000};
};

TEST_F(Policy, HigherPrioritiesThenDeeperCallsComeFirst) {
  auto& client = cluster.add_client(1);
  client.ledger.open_call(call(1, 0));
  client.ledger.open_call(call(2, 0, 1));
  client.ledger.open_call(call(3, 5));
  for (BatchId id = 1; id <= 3; ++id)
    client.ledger.submit(cluster.batch(id, static_cast<CallId>(id)));
  cluster.settle();
  const auto runs = cluster.add_node(10, 4).runs();
  ASSERT_EQ(runs.size(), 3u);
  EXPECT_EQ(runs[0].batch.batch, 3u);
  EXPECT_EQ(runs[1].batch.batch, 2u);
}

TEST_F(Policy, UnknownTasksGetOneMoreThanThereAreSlots) {
  auto& node = cluster.add_node(10, 2);
  client_with(20);
  EXPECT_EQ(node.runs().size(), 4u);
}

TEST_F(Policy, ShortTasksArePrefetchedWithinABound) {
  auto& node = cluster.add_node(10, 1);
  client_with(200);
  // Of the two that came before anything was known.
  cluster.finish(node, node.runs()[0], 1000);
  cluster.finish(node, node.runs()[1], 1000);
  EXPECT_GT(node.runs().size(), 30u);
  EXPECT_LE(node.runs().size(), 67u);
}

TEST_F(Policy, SpreadsOverIdleNodesFirst) {
  auto& first = cluster.add_node(10);
  auto& second = cluster.add_node(11);
  client_with(2);
  EXPECT_EQ(first.runs().size(), 1u);
  EXPECT_EQ(second.runs().size(), 1u);
}

TEST_F(Policy, BatchesGoWhereTheirObjectsAre) {
  cluster.add_node(10);
  auto& holder = cluster.add_node(11);
  holder.ledger.have({object});
  auto& client = client_with(0);
  client.ledger.submit(needing(1, object));
  client.ledger.submit(needing(2, object));
  cluster.settle();
  EXPECT_EQ(holder.runs().size(), 2u);
  EXPECT_TRUE(holder.runs()[0].sources.empty());
}

TEST_F(Policy, TheDataDoesNotKeepOthersIdle) {
  auto& other = cluster.add_node(10);
  auto& holder = cluster.add_node(11);
  holder.ledger.have({object});
  auto& client = client_with(0);
  for (BatchId id = 1; id <= 4; ++id) client.ledger.submit(needing(id, object));
  cluster.settle();
  ASSERT_EQ(other.runs().size(), 2u);
  const auto sources = other.runs()[0].sources;
  ASSERT_EQ(sources.size(), 1u);
  EXPECT_EQ(sources[0].nodes.at(0).node, 11u);
}

TEST_F(Policy, ABroadcastIsSpreadOverThoseWhoFetch) {
  std::vector<SmallCluster::NodeSide*> nodes;
  for (PeerId id = 10; id != 22; ++id) nodes.push_back(&cluster.add_node(id));
  nodes[0]->ledger.have({object});
  auto& client = client_with(0);
  for (BatchId id = 1; id <= 24; ++id) client.ledger.submit(needing(id, object));
  cluster.settle();
  std::map<PeerId, int> fetchers;
  for (const auto* node : nodes) {
    for (const Assign& run : node->runs()) {
      if (!run.sources.empty()) ++fetchers[run.sources[0].nodes.at(0).node];
      break;
    }
  }
  EXPECT_GT(fetchers.size(), 1u);
  for (const auto& [source, count] : fetchers) EXPECT_LE(count, 4) << source;
}

TEST_F(Policy, ADroppedObjectIsNotThereAnyMore) {
  cluster.add_node(10);
  auto& holder = cluster.add_node(11);
  holder.ledger.have({object});
  holder.ledger.drop({object});
  cluster.settle();
  EXPECT_EQ(cluster.scheduler->view(cluster.now).nodes[1].objects, 0u);
}

TEST_F(Policy, AWaitingTaskLendsItsSlot) {
  auto& node = cluster.add_node(10, 1, 1);
  client_with(1);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  cluster.settle();
  EXPECT_FALSE(inner.all<client::CallReady>().at(0).run_inline);
  inner.ledger.waiting(1, true);
  cluster.settle();
  ASSERT_EQ(node.all<node::Lent>().size(), 1u);
  EXPECT_TRUE(node.all<node::Lent>()[0].begins);
  inner.ledger.waiting(1, false);
  cluster.settle();
  EXPECT_FALSE(node.all<node::Lent>().at(1).begins);
}

TEST_F(Policy, TheLastSlotDoesNotWait) {
  auto& node = cluster.add_node(10, 1, 0);
  client_with(1);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  cluster.settle();
  EXPECT_TRUE(inner.all<client::CallReady>().at(0).run_inline);
}

// One slot is lent for a batch, whichever of its tasks waits.
TEST_F(Policy, ASecondWorkerOfTheSameBatchDoesNotWait) {
  auto& node = cluster.add_node(10, 2, 8);
  client_with(1);
  auto& inner = cluster.add_client(2, 1, 1);
  auto& other = cluster.add_client(3, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  cluster.settle();
  other.ledger.open_call(nested(node.runs()[0], 10));
  cluster.settle();
  EXPECT_FALSE(inner.all<client::CallReady>().at(0).run_inline);
  EXPECT_TRUE(other.all<client::CallReady>().at(0).run_inline);
}

TEST_F(Policy, ATaskThatWasGivenUpDoesNotWait) {
  auto& node = cluster.add_node(10, 1, 8);
  auto& client = client_with(1);
  const Assign given_up = node.runs()[0];
  client.ledger.cancel_call(1);
  cluster.settle();
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(given_up, 10));
  cluster.settle();
  EXPECT_TRUE(inner.all<client::CallReady>().at(0).run_inline);
}

TEST_F(Policy, OneMoreIsLentWhereOnlyNodesFullOfWaitersWouldRunACall) {
  auto& node = cluster.add_node(10, 1, 0);
  client_with(1);
  auto& refusing = cluster.add_node(11, 1, 0);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  inner.ledger.waiting(1, true);
  inner.ledger.submit(cluster.batch(1));
  cluster.settle();
  ASSERT_EQ(refusing.runs().size(), 1u);
  refusing.ledger.batch_over(refusing.runs()[0].attempt, 0, 0, "no such library");
  inner.ledger.submit(cluster.batch(2));
  cluster.settle();
  EXPECT_EQ(node.all<node::Lent>().size(), 1u);
  EXPECT_EQ(node.runs().size(), 2u);
}

// Not between two results that come at once: each change would cost packets and a worker's place.
TEST_F(Policy, AReaderThatGoesOnAtOnceKeepsItsSlotLent) {
  auto& node = cluster.add_node(10, 1, 1);
  client_with(1);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  inner.ledger.waiting(1, true);
  inner.ledger.waiting(1, false);
  inner.ledger.waiting(1, true);
  cluster.settle();
  EXPECT_EQ(node.all<node::Lent>().size(), 1u);
  inner.ledger.waiting(1, false);
  cluster.advance(milliseconds(50));
  ASSERT_EQ(node.all<node::Lent>().size(), 2u);
  EXPECT_FALSE(node.all<node::Lent>()[1].begins);
}

TEST_F(Policy, ASlotMayWaitWhileAnotherCanRun) {
  auto& node = cluster.add_node(10, 1, 0);
  client_with(1);
  cluster.add_node(11, 1, 0);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  cluster.settle();
  EXPECT_FALSE(inner.all<client::CallReady>().at(0).run_inline);
}

TEST_F(Policy, WhatIsStuckBehindATaskThatWaitsIsCalledBack) {
  auto& node = cluster.add_node(10, 1, 0);
  client_with(2);
  cluster.add_node(11, 1, 0);
  ASSERT_EQ(node.runs().size(), 2u);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  inner.ledger.waiting(1, true);
  cluster.settle();
  ASSERT_EQ(node.all<node::GiveBack>().size(), 1u);
  EXPECT_EQ(node.all<node::GiveBack>()[0].attempt, node.runs()[1].attempt);
}

TEST_F(Policy, WhereAllSlotsWaitOneMoreIsLent) {
  auto& node = cluster.add_node(10, 1, 0);
  client_with(1);
  auto& other = cluster.add_node(11, 1, 0);
  auto& inner = cluster.add_client(2, 1, 1);
  inner.ledger.open_call(nested(node.runs()[0], 10));
  inner.ledger.waiting(1, true);
  other.ledger.goodbye();
  cluster.settle();
  inner.ledger.submit(cluster.batch(1));
  cluster.settle();
  EXPECT_EQ(node.all<node::Lent>().size(), 1u);
  EXPECT_EQ(node.runs().size(), 2u);
}

TEST_F(Policy, DemandCountsWhatHasNotBeenShown) {
  auto& node = cluster.add_node(10, 1);
  auto& client = client_with(1);
  cluster.finish(node, node.runs()[0], Time(seconds(2)).count());
  cluster.keep_all(client);
  client.ledger.to_come(1, 10);
  cluster.settle();
  EXPECT_NEAR(cluster.scheduler->view(cluster.now).demand_seconds, 20, 0.1);
}

}  // namespace
}  // namespace paracord::cluster
