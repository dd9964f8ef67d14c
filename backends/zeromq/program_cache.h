#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "paracord/backends/zeromq/call_setup.h"
#include "paracord/core/status.h"

namespace paracord::cluster {

/// Executables and shared objects that clients have sent, kept by what they hold, within a bound.
///
/// A file is verified before anything of it runs. Where the folder lies on a file system from which
/// nothing may be executed, the executable is run from memory instead.
///
/// Threads: take() and release() by any, the rest by one.
class ProgramCache {
 public:
  struct Options {
    std::string folder;  ///< empty: $XDG_CACHE_HOME/paracord or ~/.cache/paracord, else in /tmp
    std::size_t bytes = std::size_t{4} << 30;
  };
  explicit ProgramCache(Options options);
  ProgramCache(const ProgramCache&) = delete;
  ~ProgramCache();

  /// Whether this content is there.
  bool has(const ProgramFile& file) const;
  /// Verifies, and keeps. Errors: unavailable, with what to do.
  Status add(const ProgramFile& file, std::span<const std::byte> content);

  struct Ready {
    std::string executable;  ///< to be started
    std::string libraries;   ///< the folder where its shared objects are
  };
  /// A program of which all files are there: puts them side by side under their names. It stays
  /// until release(), and some stay longer, for take().
  Status prepare(const Program& program, Ready& ready);
  /// As prepare(), where that was done before; none where it is to be done.
  std::optional<Ready> take(const Program& program);
  /// The program is not used any more, by one of those who have prepared or taken it. True: there
  /// are more unused ones than are kept, so tidy() has something to do.
  [[nodiscard]] bool release(const Program& program);
  void tidy();
  /// A single file, as a path that can be opened; `file` was added.
  std::string path_of(const ProgramFile& file) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// SHA-256, in hexadecimal.
std::string sha256_of(std::span<const std::byte> bytes);

}  // namespace paracord::cluster
