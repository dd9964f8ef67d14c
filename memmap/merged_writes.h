#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>

#include "paracord/core/encoder.h"
#include "paracord/core/guarded.h"

namespace paracord::detail {

/// What the tasks of one call have changed in copies of the caller's memory (see Drafts), in the
/// caller's process: puts it together.
///
/// Threads: any.
class MergedWrites {
 public:
  /// Whether so many bytes at an address of this process are the sender's to write.
  using Allowed = std::function<bool(std::uint64_t address, std::uint64_t bytes)>;
  /// The bytes at an address as the call's tasks were given them; null where nobody knows. Empty:
  /// conflicts are not looked for, and the last one to come wins.
  using Before = std::function<const std::byte*(std::uint64_t address, std::uint64_t bytes)>;

  /// Puts the bytes that a task has changed in their places, and touches no other byte. Throws
  /// SerializationError, and writes nothing, where some of it is not allowed, or where another task
  /// of the call has changed a byte to another value.
  void merge(Decoder& in, std::size_t task, const Allowed& allowed, const Before& before);
  void clear();

 private:
  struct Extent {
    std::uint64_t end;
    std::size_t task;
  };
  using Extents = std::multimap<std::uint64_t, Extent>;  // by where they begin
  struct State {
    Extents extents;  // of all runs so far
    std::uint64_t longest = 0;
  };
  static void refuse_conflict(const State& state, std::uint64_t address, std::size_t task);
  Guarded<State> state_;
};

}  // namespace paracord::detail
