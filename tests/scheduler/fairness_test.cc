// Two programs that both have more to do than there are slots: what each gets.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

#include "paracord/testkit/simulated_cluster.h"

namespace paracord::testkit {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Backlog {
  SimulatedCluster::Setting setting;
  double longest_batch = 0;  // seconds
  double slots = 0;
};

Backlog backlog(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t bound) { return random() % bound; };
  Backlog made;
  made.setting.seed = seed;
  made.setting.nodes = 1 + static_cast<int>(below(4));
  made.setting.faults.trouble = seconds(1);
  made.slots = made.setting.nodes * made.setting.most_slots;
  for (int i = 0; i != 2; ++i) {
    SimCallPlan call;
    call.tasks = 4000;
    call.most_batch = 1 + static_cast<int>(below(4));
    call.window = 400;
    call.least_duration = milliseconds(5);
    call.most_duration = milliseconds(10 + below(200));
    made.longest_batch =
        std::max(made.longest_batch,
                 call.most_batch * std::chrono::duration<double>(call.most_duration).count());
    made.setting.programs.push_back({1 + static_cast<std::uint32_t>(below(4)), {call}});
  }
  return made;
}

// The bound of scheduler/queue.h: two charges of a batch, and what those in flight, up to two for
// each slot, took more or less than was expected.
TEST(Fairness, BackloggedClientsGetSlotsByTheirWeights) {
  for (std::uint64_t seed = 1; seed <= PARACORD_FAIRNESS_SEEDS; ++seed) {
    const Backlog made = backlog(seed);
    SimulatedCluster cluster(made.setting);
    const double bound = 2 * made.longest_batch * (1 + 2 * made.slots);
    double farthest = 0, served = 0;
    int looks = 0;
    cluster.look_interval = milliseconds(50);
    cluster.on_look = [&](SimulatedCluster& now) {
      const auto view = now.view();
      if (view.clients.size() != 2) return;
      double times[2];
      for (int i = 0; i != 2; ++i) {
        if (view.clients[i].queued_tasks == 0) return;
        times[i] = view.clients[i].slot_seconds / now.weight_of(view.clients[i].id);
      }
      ++looks;
      farthest = std::max(farthest, std::abs(times[0] - times[1]));
      served = std::max({served, times[0], times[1]});
    };
    EXPECT_EQ(cluster.run().failure, "") << "seed " << seed;
    EXPECT_GT(looks, 20) << "seed " << seed;
    EXPECT_LE(farthest, bound) << "seed " << seed << ", served " << served << " slot-seconds";
  }
}

}  // namespace
}  // namespace paracord::testkit
