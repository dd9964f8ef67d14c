// What the scheduler keeps for people.

#include "paracord/scheduler/history.h"

#include "paracord/tests/scheduler/small_cluster.h"

namespace paracord::cluster {
namespace {

using scheduling::History;

TEST(History, KeepsTheLastOfWhatHasEnded) {
  History history;
  for (int i = 0; i != 3000; ++i) {
    history.ended({&history.function("f" + std::to_string(i % 2)), 7,
                   static_cast<std::uint32_t>(i + 1), seconds(i), 1'000'000});
  }
  SchedulerView view;
  history.show(view);
  ASSERT_EQ(view.ended.size(), 1024u);
  EXPECT_EQ(view.ended.back().tasks, 3000u);
  for (std::size_t i = 1; i != view.ended.size(); ++i)
    ASSERT_EQ(view.ended[i].at, view.ended[i - 1].at + seconds(1));
}

TEST(History, LetsRareFunctionsShareARecord) {
  History history;
  for (int i = 0; i != 10'000; ++i) ++history.function(std::to_string(i)).tasks;
  EXPECT_EQ(history.function("1").tasks, 1u);
  EXPECT_GT(history.function("9999").tasks, 1000u);
  EXPECT_EQ(history.function("9999").name, "(others)");
}

TEST(History, CountsHowLongBatchesWaited) {
  History history;
  history.waited(milliseconds(1));
  history.waited(milliseconds(500));
  history.waited(seconds(5000));
  EXPECT_EQ(history.queue_times().counts.front(), 1u);
  EXPECT_EQ(history.queue_times().counts[3], 1u);
  EXPECT_EQ(history.queue_times().counts.back(), 1u);
  EXPECT_NEAR(history.queue_times().seconds, 5000.501, 1e-6);
}

TEST(History, HearsFromNodesWhatHasFailed) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10, 1);
  auto& client = cluster.add_client(1);
  OpenCall call = cluster.call(1);
  call.label.clear();
  client.ledger.open_call(call);
  Submit batch = cluster.batch(1);
  batch.label = "int f(int)";
  client.ledger.submit(batch);
  cluster.settle();
  ASSERT_EQ(node.runs().size(), 1u);
  // The node hears it with the call.
  const std::string label = node.all<node::OpenCall>().at(0).call.call.label;
  for (int i = 0; i != 3; ++i)
    node.ledger.failed(1, label, "std::runtime_error: no " + std::to_string(i));
  NodeReport report;
  report.memory_bytes = 42;
  node.ledger.report(report);
  cluster.settle();
  const SchedulerView view = cluster.scheduler->view(cluster.now, true);
  ASSERT_EQ(view.failures.size(), 1u);
  EXPECT_EQ(view.failures[0].function, "int f(int)");
  EXPECT_EQ(view.failures[0].text, "std::runtime_error: no 2");
  EXPECT_EQ(view.failures[0].tasks, 3u);
  EXPECT_EQ(view.failures[0].node, "node10");
  EXPECT_EQ(view.tasks_failed, 3u);
  EXPECT_EQ(view.nodes.at(0).memory_bytes, 42u);
}

TEST(History, PassesOnWhatTasksPrintWithinABound) {
  SmallCluster cluster;
  auto& node = cluster.add_node(10, 1);
  auto& client = cluster.add_client(1);
  client.ledger.open_call(cluster.call(1));
  client.ledger.submit(cluster.batch(1));
  cluster.settle();
  const std::string line(100'000, 'x');
  for (int i = 0; i != 20; ++i) node.ledger.print({1, 1, "", 3, 42, false, line});
  cluster.settle();
  auto printed = client.all<client::Printed>();
  ASSERT_EQ(printed.size(), 10u);
  EXPECT_EQ(printed[0].output.host, "node10");
  EXPECT_EQ(printed[0].output.text, line);
  cluster.advance(seconds(2));
  node.ledger.print({1, 1, "", 3, 42, false, "more\n"});
  cluster.settle();
  EXPECT_EQ(client.all<client::Printed>().back().output.text,
            "(1000000 bytes of output were left out)\nmore\n");
}

}  // namespace
}  // namespace paracord::cluster
