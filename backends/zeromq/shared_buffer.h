#pragma once

#include <cstddef>
#include <memory>

#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/buffer.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster {

/// Memory that other processes can map, and that is found by its address (find_buffer).
/// `until_gone` is kept as long as the memory.
std::shared_ptr<detail::Buffer> shared_buffer(detail::ArenaStore::Lease lease, std::size_t bytes,
                                              bool writable,
                                              std::shared_ptr<const void> until_gone = nullptr);

/// How an object gets into a buffer: one of those above, whose lease may be one to fill, or another
/// one.
DataPlane::Destination destination_in(const std::shared_ptr<detail::Buffer>& buffer);

}  // namespace paracord::cluster
