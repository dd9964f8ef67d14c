#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "paracord/core/encoder.h"

namespace paracord::detail {

/// Private copies of the memory that a task writes to, where it may have to run again: what an
/// attempt wrote reaches the caller only when its result does.
///
/// Threads: one.
class Drafts {
 public:
  /// A copy of `bytes` at `original`, which lie at `address` in the caller's process. `with_gaps`:
  /// some of them are others' to write, so that only what the task changes counts.
  void* add(std::uint64_t address, const void* original, std::size_t bytes, bool with_gaps);
  bool empty() const { return drafts_.empty(); }
  void clear() { drafts_.clear(); }

  /// What was written.
  void encode(Encoder& out) const;
  /// Whether so many bytes at an address of this process are the sender's to write.
  using Allowed = std::function<bool(std::uint64_t address, std::uint64_t bytes)>;
  /// In the caller's process: puts that in its place. Throws SerializationError, and writes
  /// nothing, where some of it is not allowed.
  static void publish(Decoder& in, const Allowed& allowed);

 private:
  struct Draft {
    std::uint64_t address;
    std::vector<std::uint64_t> copy;  // aligned for any element
    std::vector<std::byte> before;    // with gaps: to find what was changed
    std::size_t bytes;
  };
  static void encode_run(Encoder& out, const Draft& draft, std::size_t begin, std::size_t end);
  static std::uint32_t encode_changes(Encoder& out, const Draft& draft);

  std::vector<Draft> drafts_;
};

}  // namespace paracord::detail
