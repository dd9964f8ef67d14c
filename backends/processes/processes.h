#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>

/// The backend `processes`: tasks run in processes of this program's own executable (see
/// initialize()), which are kept from call to call. One that crashes costs the task that it ran,
/// and nothing else.
namespace paracord {

/// `.backend_options` of the processes backend. Semantics follow loky's executor.
struct ProcessesOptions {
  /// A worker without work ends after this time. It holds for all; the last call to say something
  /// decides.
  std::chrono::milliseconds idle_timeout{300'000};
  /// ≥ 1. A worker ends after so many tasks, and another takes its place. Unset: never.
  std::optional<std::size_t> max_tasks_per_worker{};
  /// Bytes. A worker whose own memory has grown by more since its first tasks ends, and another
  /// takes its place. Looked at between batches, once a second. Unset: never.
  std::optional<std::size_t> max_memory_growth{};
  /// Variables of the workers' environment, beside the program's own: NAME → value. Workers with
  /// another environment are other workers.
  std::map<std::string, std::string> environment{};
  /// How long tasks of a call that was cancelled, or has failed, have to end by themselves (they
  /// see stop_requested()) before their workers are killed.
  std::chrono::milliseconds grace{100};
  /// A call with n_jobs = 1 uses a worker process, too. False: it is a plain loop in the caller,
  /// as joblib's, which starts nothing and takes any callable.
  bool isolate = false;
};

namespace detail {
bool register_processes_backend();
inline const bool processes_backend_registered = register_processes_backend();
}  // namespace detail

}  // namespace paracord
