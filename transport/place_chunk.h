#pragma once

#include <cstddef>
#include <span>

#include "paracord/transport/object_name.h"

namespace paracord::cluster::data {

/// Copies a chunk to its place, if it is the one that the digest stands for; says whether it is.
bool place_chunk(std::byte* place, std::span<const std::byte> chunk, const Digest& digest);

}  // namespace paracord::cluster::data
