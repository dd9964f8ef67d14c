// Clusters by chance: from calm ones to those in which everything goes wrong at once.

#include <algorithm>
#include <random>

#include "paracord/testkit/simulated_cluster.h"

namespace paracord::testkit {

using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed ^ 0x5eed) {}
  int below(int bound) { return static_cast<int>(random_() % static_cast<std::uint64_t>(bound)); }
  bool one_in(int count) { return below(count) == 0; }
  std::uint64_t number() { return random_(); }

 private:
  std::mt19937_64 random_;
};

// Many tasks that make calls, some of them deep: more than any limit of a node's.
void make_nested(Dice& dice, SimCallPlan& call) {
  call.nested = dice.one_in(2) ? 1 : 0.5;
  call.deepest = 1 + dice.below(8);
  call.most_nested = 1 + dice.below(10);
  call.tasks = 1 + dice.below(200);
  call.window = 1 + dice.below(64);
  call.most_duration = std::min<Time>(call.most_duration, milliseconds(200));
}

SimCallPlan random_call(Dice& dice) {
  SimCallPlan call;
  call.priority = dice.below(3);
  call.tasks = dice.one_in(8) ? 0 : 1 + dice.below(80);
  call.most_batch = 1 + dice.below(dice.one_in(4) ? 70 : 8);
  call.window = 1 + dice.below(30);
  const bool is_slow = dice.one_in(3);
  call.least_duration = is_slow ? milliseconds(100) : microseconds(50);
  call.most_duration = is_slow ? Time(seconds(3)) : Time(milliseconds(40));
  call.nested = dice.one_in(3) ? 0.2 : 0;
  call.fetched = dice.one_in(2) ? 0.3 : 0;
  call.payload = static_cast<std::size_t>(dice.below(2000));
  for (int i = dice.below(3); i != 0; --i)
    call.needs.push_back({{static_cast<std::uint64_t>(dice.below(5)), 7}, 1000});
  if (dice.one_in(5)) make_nested(dice, call);
  if (dice.one_in(5)) call.cancel_after = milliseconds(dice.below(15000));
  return call;
}

SimulatedCluster::Faults random_faults(Dice& dice) {
  SimulatedCluster::Faults faults;
  if (dice.one_in(8)) return faults;
  const auto strikes = [&](int most) { return dice.one_in(2) ? 0 : 1 + dice.below(most); };
  faults.scheduler_restarts = strikes(3);
  faults.node_deaths = strikes(3);
  faults.node_drains = strikes(2);
  faults.program_deaths = dice.one_in(4) ? 1 : 0;
  faults.cuts = strikes(5);
  faults.reconnects = strikes(4);
  faults.false_disconnects = strikes(3);
  if (dice.one_in(6)) faults.longest_restart = seconds(20);
  if (dice.one_in(10)) faults.longest_cut = seconds(80);
  const double rates[] = {0, 0, 0.002, 0.02, 0.1};
  faults.loss = rates[dice.below(5)];
  faults.duplication = rates[dice.below(5)];
  faults.trouble = seconds(5 + dice.below(40));
  return faults;
}

}  // namespace

SimulatedCluster::Setting SimulatedCluster::random_setting(std::uint64_t seed) {
  Dice dice(seed);
  Setting setting;
  setting.seed = seed;
  setting.nodes = 1 + dice.below(5);
  setting.most_slots = 1 + static_cast<std::uint32_t>(dice.below(4));
  if (dice.one_in(12)) setting.most_slots = 64;
  setting.most_parked = static_cast<std::uint32_t>(dice.below(dice.one_in(3) ? 12 : 3));
  if (dice.one_in(2)) setting.options.queue_bytes = 4000 + dice.number() % 20000;
  for (int i = 1 + dice.below(4); i != 0; --i) {
    std::vector<SimCallPlan> calls;
    for (int call = 1 + dice.below(3); call != 0; --call) calls.push_back(random_call(dice));
    setting.programs.push_back({1 + static_cast<std::uint32_t>(dice.below(3)), calls});
  }
  setting.faults = random_faults(dice);
  return setting;
}

}  // namespace paracord::testkit
