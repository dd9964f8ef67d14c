#include "paracord/transport/place_chunk.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstring>

#ifndef MADV_POPULATE_WRITE  // Linux 5.14; older C libraries do not name it
#define MADV_POPULATE_WRITE 23
#endif

namespace paracord::cluster::data {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t least_populated = 16 * page;

// Into the page tables, all pages in one call: a third of what faults one by one cost. Where the
// kernel cannot do that, they happen.
void populate(std::byte* place, std::size_t bytes) {
  if (bytes < least_populated) return;
  const std::size_t before = (page - reinterpret_cast<std::uintptr_t>(place) % page) % page;
  (void)madvise(place + before, (bytes - before) / page * page, MADV_POPULATE_WRITE);
}

}  // namespace

bool place_chunk(std::byte* place, std::span<const std::byte> chunk, const Digest& digest) {
  if (digest_of(chunk) != digest) return false;
  populate(place, chunk.size());
  std::memcpy(place, chunk.data(), chunk.size());
  return true;
}

}  // namespace paracord::cluster::data
