#pragma once

#include <string>

namespace paracord {

/// The CPUs that this process may use: the least of the machine's, the scheduler affinity of the
/// calling thread, the cgroup quota (v1 and v2, the tightest of all enclosing groups, rounded up),
/// and PARACORD_MAX_CPU_COUNT (ignored unless it is a number ≥ 1); never below 1. Semantics as
/// loky's cpu_count, but with nested quotas.
///
/// With `only_physical_cores`: the number of physical cores, unless a restriction is below it
/// already.
///
/// Threads: any. Quotas are read once per process, the affinity and the variable at each call.
int cpu_count(bool only_physical_cores = false);

namespace detail {

/// Where cpu_count looks; a test gives a directory and a text of its own.
struct CpuCountSources {
  std::string root;          ///< stands before /proc and /sys; "" is the real machine
  int affinity;              ///< CPUs in the affinity mask
  const char* max_variable;  ///< value of PARACORD_MAX_CPU_COUNT, null where it is not set
};

int cpu_count_from(const CpuCountSources& sources, bool only_physical_cores);

/// CPUs that the tightest enclosing cgroup grants, rounded up; 0 where there is no quota.
int cgroup_cpu_limit(const std::string& root);

}  // namespace detail
}  // namespace paracord
