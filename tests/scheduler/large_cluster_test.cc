// 10,000 nodes and 1,000,000 tasks, some nodes lost on the way.

#include <gtest/gtest.h>

#include "paracord/testkit/simulated_cluster.h"

namespace paracord::testkit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(LargeCluster, RunsAMillionTasksOnTenThousandNodes) {
  SimulatedCluster::Setting setting;
  setting.nodes = 10'000;
  setting.most_slots = 4;
  setting.faults.trouble = seconds(3);
  setting.faults.node_deaths = 20;
  setting.checks_each_step = false;
  for (int i = 0; i != 4; ++i) {
    SimCallPlan call;
    call.tasks = 250'000;
    call.most_batch = 40;
    call.window = 20'000;
    call.least_duration = milliseconds(20);
    call.most_duration = milliseconds(60);
    setting.programs.push_back({1, {call}});
  }
  const auto report = SimulatedCluster(std::move(setting)).run();
  EXPECT_EQ(report.failure, "");
  EXPECT_EQ(report.deliveries, 1'000'000u);
  EXPECT_GE(report.view.nodes.size(), 9'900u);
}

}  // namespace
}  // namespace paracord::testkit
