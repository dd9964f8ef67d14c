// Clusters by chance, with all that can go wrong, by seed. PARACORD_SIM_SEED=<seed> runs one of
// them, and says what happens in it; PARACORD_SIM_SEEDS=<count> runs so many.

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "paracord/testkit/simulated_cluster.h"

namespace paracord::testkit {
namespace {

constexpr std::uint64_t parts = 8;  // so that they can run side by side

std::uint64_t number_from(const char* name, std::uint64_t otherwise) {
  const char* const text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

class RandomClusters : public testing::TestWithParam<std::uint64_t> {};

TEST_P(RandomClusters, KeepAllRules) {
  const std::uint64_t one = number_from("PARACORD_SIM_SEED", 0);
  const std::uint64_t count = number_from("PARACORD_SIM_SEEDS", PARACORD_SIM_SEEDS);
  const std::uint64_t first = one != 0 ? one : 1 + GetParam(), last = one != 0 ? one : count;
  if (one != 0 && one % parts != (1 + GetParam()) % parts) return;
  int failures = 0;
  std::uint64_t tasks = 0, runs = 0, events = 0;
  for (std::uint64_t seed = first; seed <= last && failures < 5; seed += parts) {
    auto setting = SimulatedCluster::random_setting(seed);
    setting.verbose = one != 0;
    const auto report = SimulatedCluster(std::move(setting)).run();
    tasks += report.tasks;
    runs += report.runs;
    events += report.events;
    if (report.failure.empty()) continue;
    ++failures;
    ADD_FAILURE() << "PARACORD_SIM_SEED=" << seed
                  << " sim_tests --gtest_filter=*KeepAllRules*: " << report.failure;
  }
  std::printf("%llu tasks, %llu runs, %llu events\n", static_cast<unsigned long long>(tasks),
              static_cast<unsigned long long>(runs), static_cast<unsigned long long>(events));
}

INSTANTIATE_TEST_SUITE_P(Part, RandomClusters, testing::Range<std::uint64_t>(0, parts));

TEST(SimulatedCluster, GoesTheSameWayForTheSameSeed) {
  const auto run = [] { return SimulatedCluster(SimulatedCluster::random_setting(42)).run(); };
  const auto first = run(), second = run();
  EXPECT_EQ(first.events, second.events);
  EXPECT_EQ(first.runs, second.runs);
  EXPECT_EQ(first.end, second.end);
}

}  // namespace
}  // namespace paracord::testkit
