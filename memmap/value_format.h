#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "paracord/memmap/digest.h"

/// How a value stands in a file: a header, the type's text, the message, and the blocks. The
/// message and each block begin at a multiple of 64, counted from the header.
namespace paracord::detail {

inline constexpr std::array<char, 8> value_magic{'\x89', 'P', 'R', 'C', '\r', '\n', '\x1a', '\n'};
inline constexpr std::uint64_t value_alignment = 64;
/// A container's contents from so many bytes on are a block; an array's are in any case.
inline constexpr std::size_t least_block = std::size_t{64} << 10;
inline constexpr std::uint32_t most_type_text = std::uint32_t{1} << 16;

struct ValueHeader {
  std::array<char, 8> magic = value_magic;
  std::uint16_t version = 1;
  std::uint16_t changed = 0;  ///< blocks were mapped to be written to: their digests hold no more
  std::uint32_t type_bytes = 0;
  std::uint64_t message_bytes = 0;
  std::uint64_t blocks_bytes = 0;  ///< with what aligns them
  std::uint64_t block_count = 0;
  Digest body;              ///< of the type's text and the message
  std::uint64_t check = 0;  ///< of all of the above
};
static_assert(sizeof(ValueHeader) == value_alignment);

/// Stands in the message where the block's memory belongs.
struct BlockReference {
  std::uint64_t offset;  ///< from the first block on
  Digest digest;
};

constexpr std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + value_alignment - 1) / value_alignment * value_alignment;
}

std::uint64_t check_of(const ValueHeader& header);
Digest body_digest(const void* type, std::size_t type_bytes, const void* message,
                   std::size_t message_bytes);

}  // namespace paracord::detail
