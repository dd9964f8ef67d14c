#include "paracord/core/cpu_count.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

namespace paracord {
namespace {

namespace fs = std::filesystem;

// A /proc and a /sys of the test's own.
class CpuCount : public ::testing::Test {
 protected:
  void SetUp() override {
    root = fs::temp_directory_path() / ("paracord_cpu_" + std::to_string(getpid()));
    fs::remove_all(root);
  }
  void TearDown() override { fs::remove_all(root); }
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((root / path).parent_path());
    std::ofstream(root / path) << text << "\n";
  }
  int count(int affinity = 16, const char* max_variable = nullptr, bool physical = false) {
    return detail::cpu_count_from({root.string(), affinity, max_variable}, physical);
  }
  fs::path root;
};

TEST_F(CpuCount, IsTheAffinityWhereNothingElseLimits) {
  EXPECT_EQ(count(5), 5);
}

TEST_F(CpuCount, RoundsAQuotaUp) {
  file("proc/self/cgroup", "0::/box");
  file("sys/fs/cgroup/box/cpu.max", "150000 100000");
  EXPECT_EQ(count(), 2);
}

TEST_F(CpuCount, TakesTheTightestOfNestedQuotas) {
  file("proc/self/cgroup", "0::/outer/middle/inner");
  file("sys/fs/cgroup/outer/middle/inner/cpu.max", "max 100000");
  file("sys/fs/cgroup/outer/middle/cpu.max", "800000 100000");
  file("sys/fs/cgroup/outer/cpu.max", "300000 100000");
  EXPECT_EQ(count(), 3);
}

TEST_F(CpuCount, SeesTheQuotaOfAContainersOwnMount) {
  file("proc/self/cgroup", "0::/not/visible/here");
  file("sys/fs/cgroup/cpu.max", "400000 100000");
  EXPECT_EQ(count(), 4);
}

TEST_F(CpuCount, ReadsCgroupVersionOne) {
  file("proc/self/cgroup", "4:cpu,cpuacct:/job/step\n2:memory:/job");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_quota_us", "250000");
  file("sys/fs/cgroup/cpu,cpuacct/job/cpu.cfs_period_us", "100000");
  file("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_quota_us", "-1");
  file("sys/fs/cgroup/cpu,cpuacct/job/step/cpu.cfs_period_us", "100000");
  EXPECT_EQ(count(), 3);
}

TEST_F(CpuCount, IgnoresMalformedFiles) {
  file("proc/self/cgroup", "nonsense\n0::/box");
  file("sys/fs/cgroup/box/cpu.max", "many cpus");
  EXPECT_EQ(count(6), 6);
}

TEST_F(CpuCount, HonoursTheVariableAsAnUpperBoundOnly) {
  EXPECT_EQ(count(8, "3"), 3);
  EXPECT_EQ(count(8, "30"), 8);
  EXPECT_EQ(count(8, "abc"), 8);
  EXPECT_EQ(count(8, "0"), 8);
}

TEST_F(CpuCount, CountsPhysicalCoresUnlessARestrictionIsBelow) {
  for (int cpu = 0; cpu != 8; ++cpu) {
    const std::string topology = "sys/devices/system/cpu/cpu" + std::to_string(cpu) + "/topology/";
    file(topology + "core_id", std::to_string(cpu % 4));
    file(topology + "physical_package_id", "0");
  }
  EXPECT_EQ(count(8, nullptr, true), 4);
  EXPECT_EQ(count(8, "2", true), 2);
  EXPECT_EQ(count(8, nullptr, false), 8);
}

TEST_F(CpuCount, FollowsTheAffinityOfTheThread) {
  std::jthread([] {
    cpu_set_t one;
    CPU_ZERO(&one);
    sched_getaffinity(0, sizeof one, &one);
    int first = 0;
    while (!CPU_ISSET(first, &one)) ++first;
    CPU_ZERO(&one);
    CPU_SET(first, &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
    EXPECT_EQ(cpu_count(), 1);
  }).join();
  EXPECT_GE(cpu_count(), 1);
  EXPECT_LE(cpu_count(true), cpu_count());
}

}  // namespace
}  // namespace paracord
