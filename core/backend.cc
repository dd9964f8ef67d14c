#include "paracord/core/backend.h"

#include <algorithm>

#include "paracord/core/cpu_count.h"

namespace paracord {

int ParallelBackendBase::effective_n_jobs(int n_jobs) const {
  return n_jobs > 0 ? n_jobs : std::max(cpu_count() + 1 + n_jobs, 1);
}

bool ParallelBackendBase::wait(const std::function<bool()>& ready,
                               std::optional<std::chrono::steady_clock::time_point>) {
  return ready();
}

std::string ParallelBackendBase::nested_backend(int nesting_level) const {
  return nesting_level <= 1 ? "threads" : "sequential";
}

}  // namespace paracord
