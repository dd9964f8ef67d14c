#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "paracord/core/encoder.h"

/// What differs between two versions of some memory, as bytes of a message.
///
/// A run is neighbouring blocks of 64 bytes, each with a mask of the bytes that have changed (the
/// lowest bit is the first byte), and those bytes.
namespace paracord::detail {

/// A part of some memory.
struct ByteRange {
  std::size_t begin = 0, end = 0;
};

/// The pages of a private mapping that were written to since it was made, in order: nothing else
/// has changed there. All of it, where the system does not tell.
std::vector<ByteRange> written_pages(const std::byte* mapping, std::size_t bytes);

struct Versions {
  const std::byte* now;
  const std::byte* before;
  std::size_t bytes;  ///< of each
};
/// Writes the runs that differ in the two versions of memory which lies at `address` in the
/// caller's process; `unit` (1, 2, 4, … 64) bytes differ where one of them does. Only `where` is
/// looked at: in order, and apart from each other. Returns how many runs there are.
std::uint64_t encode_changes(Encoder& out, std::uint64_t address, const Versions& memory,
                             std::size_t unit, const std::vector<ByteRange>& where);

/// One run, as read. Throws SerializationError.
class ChangedRun {
 public:
  explicit ChangedRun(Decoder& in);
  /// The first and the last byte that have changed, and all between.
  std::uint64_t address() const { return address_ + first_; }
  std::uint64_t bytes() const { return last_ - first_ + 1; }
  /// Writes the changed bytes to where they belong.
  void apply() const;
  /// Calls `use(address)` for each changed byte of which memory has a third value: neither the one
  /// before, nor this run's. `before`: the bytes from address() on.
  void each_conflict(const std::byte* before, const std::function<void(std::uint64_t)>& use) const;

 private:
  std::uint64_t address_, blocks_;
  std::uint64_t first_ = 0, last_ = 0;  // from the address on
  Decoder in_;                          // at the first block
};

}  // namespace paracord::detail
