#include "paracord/backends/zeromq/shared_buffer.h"

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

std::shared_ptr<detail::Buffer> shared_buffer(detail::ArenaStore::Lease lease, std::size_t bytes,
                                              bool writable,
                                              std::shared_ptr<const void> until_gone) {
  auto buffer = std::make_shared<SharedBuffer>(std::move(lease));
  buffer->bytes = bytes;
  buffer->writable = writable;
  buffer->until_gone = std::move(until_gone);
  detail::register_buffer(buffer);
  return buffer;
}

DataPlane::Destination destination_in(const std::shared_ptr<detail::Buffer>& buffer) {
  DataPlane::Destination destination{buffer->data, buffer, nullptr};
  if (const auto* shared = dynamic_cast<const SharedBuffer*>(buffer.get())) {
    destination.fill = [shared](std::size_t offset, std::span<const std::byte> part) {
      return detail::ArenaStore::fill(shared->lease, offset, part.data(), part.size());
    };
  }
  return destination;
}

}  // namespace paracord::cluster
