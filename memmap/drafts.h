#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "paracord/core/encoder.h"

namespace paracord::detail {

/// Private copies of the memory that a task writes to: what an attempt wrote reaches the caller
/// only when its result does, and only what it has changed. So tasks may be given the
/// same memory, and attempts that fail leave nothing.
///
/// Threads: one.
class Drafts {
 public:
  /// Whether others write to what the copies are made of while a task runs. Where it stays as it
  /// is, a copy costs the pages that the task writes to; else it is made at once.
  enum class Originals { stay, change };
  explicit Drafts(Originals originals);
  Drafts(const Drafts&) = delete;
  ~Drafts();

  /// Memory in a file, mapped at `data` to be read.
  struct Original {
    const std::byte* data;
    std::size_t bytes;
    int fd;
    std::uint64_t offset;
  };
  /// A copy of memory that lies at `address` in the caller's process. What an earlier copy holds is
  /// not copied again. `unit` as for Decoder::memory(). Throws BackendUnavailable where it cannot
  /// be mapped.
  void* add(std::uint64_t address, const Original& original, std::size_t unit);
  bool empty() const { return drafts_.empty(); }
  void clear();

  /// The units that were changed, for MergedWrites. Never more than 9/8 of what the copies hold,
  /// and some words.
  void encode(Encoder& out) const;

 private:
  struct Draft;
  const Originals originals_;
  std::vector<std::unique_ptr<Draft>> drafts_;
};

}  // namespace paracord::detail
