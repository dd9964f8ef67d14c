#pragma once

#include <cstddef>
#include <memory>

#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/buffer.h"

namespace paracord::cluster {

/// Memory of `bytes` that other processes can map, and that is found by its address (find_buffer).
/// `until_gone` is kept as long as the memory. Throws BackendUnavailable where there is no room.
std::shared_ptr<detail::Buffer> shared_buffer(detail::ArenaStore& arenas, std::size_t bytes,
                                              bool writable,
                                              std::shared_ptr<const void> until_gone = nullptr);

}  // namespace paracord::cluster
