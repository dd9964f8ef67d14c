#pragma once

#include <memory>

#include "paracord/core/options.h"

namespace paracord {

/// Keeps defaults for this thread until it is destroyed. Made by parallel_config().
class [[nodiscard]] ConfigScope {
 public:
  explicit ConfigScope(ParallelOptions options);
  ConfigScope(const ConfigScope&) = delete;
  ConfigScope& operator=(const ConfigScope&) = delete;
  ~ConfigScope();

 private:
  std::unique_ptr<const ParallelOptions> merged_;
  const ParallelOptions* enclosing_;
};

/// Sets defaults for every Parallel made in this thread while the returned scope lives:
/// `auto scope = parallel_config({.n_jobs = -1});`. Scopes nest: what the inner one leaves open,
/// the outer one says; an option given to Parallel itself wins over both. Every option can be set.
///
/// Threads: holds in the calling thread only, and not inside tasks that run on other threads or
/// that this
///   thread runs for a backend with workers. Destroy scopes in the reverse order of their making.
/// Errors: std::invalid_argument for a bad value, at once.
inline ConfigScope parallel_config(ParallelOptions options) {
  return ConfigScope(std::move(options));
}

}  // namespace paracord
