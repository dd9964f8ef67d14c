#include "paracord/core/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <thread>
#include <utility>

namespace paracord {
namespace detail {
namespace {

namespace fs = std::filesystem;

std::string first_line(const fs::path& file) {
  std::ifstream in(file);
  std::string line;
  std::getline(in, line);
  return line;
}

std::optional<long long> number(std::string_view text) {
  long long value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

int cpus_of(long long quota, long long period) {
  if (quota <= 0 || period <= 0) return 0;
  return static_cast<int>(std::max(1LL, (quota + period - 1) / period));
}

// cgroup v2: "max 100000" or "150000 100000".
int limit_v2(const fs::path& group) {
  const std::string line = first_line(group / "cpu.max");
  const std::size_t space = line.find(' ');
  if (space == std::string::npos) return 0;
  const auto quota = number(std::string_view(line).substr(0, space));
  const auto period = number(std::string_view(line).substr(space + 1));
  return quota && period ? cpus_of(*quota, *period) : 0;
}

int limit_v1(const fs::path& group) {
  const auto quota = number(first_line(group / "cpu.cfs_quota_us"));
  const auto period = number(first_line(group / "cpu.cfs_period_us"));
  return quota && period ? cpus_of(*quota, *period) : 0;
}

// The tightest limit of a group and of all that enclose it, up to the mount.
int tightest(const fs::path& mount, const std::string& group, int (*limit)(const fs::path&)) {
  int result = 0;
  fs::path place = mount / fs::path(group).relative_path();
  while (true) {
    const int here = limit(place);
    if (here > 0) result = result == 0 ? here : std::min(result, here);
    if (place == mount || !place.has_relative_path() ||
        place.native().size() <= mount.native().size())
      break;
    place = place.parent_path();
  }
  return result;
}

int smaller_limit(int a, int b) {
  return a == 0 ? b : b == 0 ? a : std::min(a, b);
}

int physical_cores(const std::string& root) {
  std::set<std::pair<std::string, std::string>> cores;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(root + "/sys/devices/system/cpu", error)) {
    const fs::path topology = entry.path() / "topology";
    const std::string core = first_line(topology / "core_id");
    if (!core.empty()) cores.emplace(first_line(topology / "physical_package_id"), core);
  }
  return static_cast<int>(cores.size());
}

}  // namespace

int cgroup_cpu_limit(const std::string& root) {
  std::ifstream groups(root + "/proc/self/cgroup");
  const fs::path mounts = root + "/sys/fs/cgroup";
  int result = 0;
  for (std::string line; std::getline(groups, line);) {
    // "0::/user.slice" for v2, "4:cpu,cpuacct:/docker/x" for v1.
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    const std::string group = line.substr(second + 1);
    if (controllers.empty()) {
      result = smaller_limit(result, tightest(mounts, group, &limit_v2));
    } else if (("," + controllers + ",").find(",cpu,") != std::string::npos) {
      for (const std::string& name : {controllers, std::string("cpu")}) {
        result = smaller_limit(result, tightest(mounts / name, group, &limit_v1));
      }
    }
  }
  // In a container the path of the group may not be visible below the mount; the mount itself
  // counts.
  result = smaller_limit(result, limit_v2(mounts));
  return smaller_limit(result, limit_v1(mounts / "cpu"));
}

int cpu_count_from(const CpuCountSources& sources, bool only_physical_cores) {
  int count = std::max(1, sources.affinity);
  static const int quota_here = cgroup_cpu_limit("");
  const int quota = sources.root.empty() ? quota_here : cgroup_cpu_limit(sources.root);
  if (quota > 0) count = std::min(count, quota);
  if (sources.max_variable != nullptr) {
    const auto most = number(sources.max_variable);
    if (most && *most >= 1) count = static_cast<int>(std::min<long long>(count, *most));
  }
  if (!only_physical_cores) return count;
  static const int cores_here = physical_cores("");
  const int cores = sources.root.empty() ? cores_here : physical_cores(sources.root);
  return cores > 0 ? std::min(cores, count) : count;
}

}  // namespace detail

int cpu_count(bool only_physical_cores) {
  // Machines with more CPUs than cpu_set_t holds make the call fail; then the library's count
  // stands.
  cpu_set_t allowed;
  const int affinity = sched_getaffinity(0, sizeof allowed, &allowed) == 0
                           ? CPU_COUNT(&allowed)
                           : static_cast<int>(std::thread::hardware_concurrency());
  return detail::cpu_count_from({"", affinity, std::getenv("PARACORD_MAX_CPU_COUNT")},
                                only_physical_cores);
}

}  // namespace paracord
