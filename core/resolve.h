#pragma once

#include <memory>
#include <string>

#include "paracord/core/backend.h"
#include "paracord/core/options.h"

/// From what the user wrote to what holds: validation, scopes, choice of the backend.
namespace paracord::detail {

inline constexpr std::size_t default_max_nbytes = std::size_t{1} << 20;

/// Throws std::invalid_argument for a value that has no meaning, or a pair that contradicts itself.
void validate(const ParallelOptions& options);

/// `inner`, with what it leaves open taken from `outer`. The backend's own options go with its
/// name.
ParallelOptions merge(ParallelOptions inner, const ParallelOptions& outer);

/// Throws std::invalid_argument where inner_max_num_threads is set, and the backend that these
/// options choose here has no processes.
void check_inner_threads(const ParallelOptions& options);

/// What a Parallel made here with these options works with.
struct Resolved {
  ParallelOptions options;
  std::string backend_name;
  std::unique_ptr<ParallelBackendBase> backend;
  int n_jobs = 1;
};

/// Throws std::invalid_argument as validate(), for an unknown backend, and for one that cannot do
/// what `require` or another option asks.
Resolved resolve(const ParallelOptions& options);

}  // namespace paracord::detail
