#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "paracord/core/cluster_messages.h"

/// Objects are named by what they hold: XXH3-128 of the chunks' XXH3-128 digests, and the length.
namespace paracord::cluster {

/// Objects are hashed, sent and checked in chunks of this size; the last may be shorter.
inline constexpr std::size_t chunk_bytes = std::size_t{2} << 20;

using Digest = std::array<std::uint64_t, 2>;

/// An object's name, and what each of its chunks is checked by.
struct ObjectTable {
  ObjectId id;
  std::vector<Digest> chunks;
  /// Whether the chunks' digests are those that the name stands for.
  bool is_consistent() const;
};

Digest digest_of(std::span<const std::byte> bytes);

/// Reads all of the memory once; about 20 GiB/s.
std::shared_ptr<const ObjectTable> name_object(std::span<const std::byte> bytes);

}  // namespace paracord::cluster
