#include "paracord/core/backend.h"

#include <algorithm>

#include "paracord/core/cpu_count.h"

namespace paracord {

int ParallelBackendBase::effective_n_jobs(int n_jobs) const {
  return n_jobs > 0 ? n_jobs : std::max(cpu_count() + 1 + n_jobs, 1);
}

std::string ParallelBackendBase::nested_backend(int nesting_level) const {
  return nesting_level <= 1 ? "threads" : "sequential";
}

}  // namespace paracord
