#pragma once

#include <chrono>

/// The backend `threads`, the default: tasks run on the threads of one pool that the whole process
/// shares, and on the caller's thread while it waits.
namespace paracord {

/// `.backend_options` of the threads backend.
struct ThreadsOptions {
  /// ≥ 0. A pool thread without work ends after this time. It holds for the whole pool; the last
  /// call to say something decides.
  std::chrono::milliseconds idle_timeout{10'000};
};

namespace detail {
bool register_threads_backend();
inline const bool threads_backend_registered = register_threads_backend();
}  // namespace detail

}  // namespace paracord
