#include "paracord/backends/zeromq/shared_buffer.h"

#include <algorithm>
#include <utility>

namespace paracord::cluster {

namespace {

struct SharedBuffer final : detail::Buffer {
  explicit SharedBuffer(detail::ArenaStore::Lease from) : lease(std::move(from)) {
    data = lease->data();
    shared = true;
    fd = lease->arena->fd;
    offset = lease->offset;
    file_number = lease->arena->number;
  }
  ~SharedBuffer() override { detail::forget_buffer(*this); }
  detail::ArenaStore::Lease lease;
  std::shared_ptr<const void> until_gone;
};

}  // namespace

std::shared_ptr<detail::Buffer> shared_buffer(detail::ArenaStore& arenas, std::size_t bytes,
                                              bool writable,
                                              std::shared_ptr<const void> until_gone) {
  auto buffer = std::make_shared<SharedBuffer>(arenas.allocate(std::max<std::size_t>(bytes, 1)));
  buffer->bytes = bytes;
  buffer->writable = writable;
  buffer->until_gone = std::move(until_gone);
  detail::register_buffer(buffer);
  return buffer;
}

}  // namespace paracord::cluster
