#pragma once

#include <cstddef>
#include <memory>

#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/buffer.h"

namespace paracord::cluster {

/// Memory of `bytes` that other processes can map, and that is found by its address (find_buffer).
/// Throws BackendUnavailable where there is no room.
std::shared_ptr<detail::Buffer> shared_buffer(detail::ArenaStore& arenas, std::size_t bytes,
                                              bool writable);

}  // namespace paracord::cluster
