// The normal path: from a call to its results.

#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

TEST(Scheduler, WelcomesClientsAndNodes) {
  SmallCluster cluster;
  EXPECT_TRUE(cluster.add_node(10).ledger.is_welcome());
  EXPECT_TRUE(cluster.add_client(1).ledger.is_welcome());
  EXPECT_EQ(cluster.scheduler->view(cluster.now).nodes.size(), 1u);
}

TEST(Scheduler, RunsABatchAndForgetsIt) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10);
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  client.ledger.submit(cluster.batch(1, 1, 3));
  cluster.settle();
  ASSERT_EQ(client.all<client::CallReady>().size(), 1u);
  ASSERT_EQ(client.all<client::DialNode>().size(), 1u);
  ASSERT_EQ(node.all<node::OpenCall>().size(), 1u);
  ASSERT_EQ(node.runs().size(), 1u);
  cluster.finish(node, node.runs()[0], 3000);
  ASSERT_EQ(client.all<client::Arrived>().size(), 1u);
  EXPECT_EQ(client.all<client::Arrived>()[0].tasks.size(), 3u);
  EXPECT_TRUE(client.all<client::Over>().empty());
  EXPECT_GT(node.ledger.held_bytes(), 0u);
  cluster.keep_all(client);
  ASSERT_EQ(client.all<client::Over>().size(), 1u);
  EXPECT_TRUE(client.all<client::Over>()[0].missing.empty());
  EXPECT_EQ(client.all<client::Over>()[0].ran_nanoseconds, 3000);
  EXPECT_TRUE(node.ledger.is_empty());
  EXPECT_EQ(node.all<node::Release>().size(), 3u);
  client.ledger.close_call(1);
  cluster.settle();
  EXPECT_EQ(node.all<node::EndCall>().size(), 1u);
  EXPECT_EQ(cluster.scheduler->view(cluster.now).tasks_done, 3u);
}

TEST(Scheduler, QueuesBatchesUntilANodeComes) {
  SmallCluster cluster;
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  client.ledger.submit(cluster.batch(1));
  cluster.settle();
  EXPECT_TRUE(client.all<client::CallReady>().empty());
  EXPECT_EQ(cluster.scheduler->view(cluster.now).tasks_queued, 1u);
  auto& node = cluster.add_node(10);
  EXPECT_EQ(node.runs().size(), 1u);
  EXPECT_EQ(client.all<client::CallReady>().size(), 1u);
}

TEST(Scheduler, TellsClientsHowManySlotsThereAre) {
  SmallCluster cluster;
  auto& client = cluster.add_client(1);
  cluster.add_node(10, 3);
  cluster.add_node(11, 4);
  cluster.advance(seconds(1));
  EXPECT_EQ(client.all<client::ClusterSlots>().back().slots, 7u);
}

TEST(Scheduler, GivesBatchesOfALostNodeBack) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10);
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  client.ledger.submit(cluster.batch(1, 1, 2));
  cluster.settle();
  node.ledger.tasks_done(node.runs()[0].attempt, {0}, bytes("first"));
  cluster.settle();
  cluster.keep_all(client);
  node.cut = true;
  cluster.advance(seconds(16));
  ASSERT_EQ(client.all<client::Over>().size(), 1u);
  EXPECT_EQ(client.all<client::Over>()[0].missing, std::vector<std::uint32_t>{1});
  EXPECT_EQ(client.all<client::Over>()[0].losses, 1u);
  EXPECT_EQ(client.all<client::ForgetNode>().size(), 1u);
}

TEST(Scheduler, CancelsTheBatchesOfACall) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10);
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  for (BatchId id = 1; id <= 5; ++id) client.ledger.submit(cluster.batch(id));
  cluster.settle();
  client.ledger.cancel_call(1);
  cluster.settle();
  EXPECT_EQ(client.all<client::Over>().size(), 5u);
  EXPECT_EQ(node.all<node::Stop>().size(), node.runs().size());
  for (const Assign& run : node.runs()) node.ledger.batch_over(run.attempt, 0, 0);
  cluster.settle();
  EXPECT_TRUE(node.ledger.is_empty());
  EXPECT_EQ(cluster.scheduler->view(cluster.now).nodes[0].running, 0u);
}

TEST(Scheduler, RunningWorkOutlivesTheScheduler) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10);
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  client.ledger.submit(cluster.batch(1));
  cluster.settle();
  cluster.start_scheduler();
  cluster.advance(seconds(3));
  cluster.finish(node, node.runs()[0]);
  cluster.keep_all(client);
  ASSERT_EQ(node.runs().size(), 1u);
  ASSERT_EQ(client.all<client::Over>().size(), 1u);
  EXPECT_TRUE(client.all<client::Over>()[0].missing.empty());
}

}  // namespace
}  // namespace paracord::cluster
