#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/backend.h"

namespace paracord {

using BackendFactory = std::function<std::unique_ptr<ParallelBackendBase>()>;

/// Makes a backend selectable by name: `register_parallel_backend("mine", [] { return
/// std::make_unique<Mine>(); })`. A name that is there already is replaced; calls that run keep
/// what they have. With `make_default` it serves every call that names no backend.
///
/// Threads: any. A shared object loaded at run time may register; it must then stay loaded.
/// Errors: std::invalid_argument for an empty name or a null factory.
void register_parallel_backend(std::string name, BackendFactory factory, bool make_default = false);

/// The registered names, sorted.
std::vector<std::string> parallel_backend_names();

/// What a call with these n_jobs would get now, on the backend that it would use: options as for
/// Parallel.
int effective_n_jobs(int n_jobs = -1);

namespace detail {

/// A new backend object. Throws std::invalid_argument for a name that nobody registered; it lists
/// those that are there.
std::unique_ptr<ParallelBackendBase> make_backend(const std::string& name);

bool is_registered(const std::string& name);
std::string default_backend_name();

}  // namespace detail
}  // namespace paracord
