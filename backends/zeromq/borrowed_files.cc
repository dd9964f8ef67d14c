#include "paracord/backends/zeromq/borrowed_files.h"

#include <sys/mman.h>
#include <unistd.h>

#include "paracord/memmap/arena.h"

namespace paracord::cluster {

struct BorrowedFiles::File {
  explicit File(std::shared_ptr<const int> opened) : fd(std::move(opened)) {}
  const std::shared_ptr<const int> fd;
  const std::uint32_t number = detail::next_file_number();
};

namespace {

constexpr std::size_t most_files = 256;

struct Borrowed final : detail::Buffer {
  ~Borrowed() override {
    detail::forget_buffer(*this);
    munmap(base, mapped);
  }
  std::shared_ptr<const void> file;
  void* base = nullptr;
  std::size_t mapped = 0;
};

}  // namespace

void BorrowedFiles::forget(PeerId client) {
  std::erase_if(files_, [&](const auto& known) { return known.first.client == client; });
}

std::shared_ptr<detail::Buffer> BorrowedFiles::map(PeerId client, const NeighbourFile& place,
                                                   std::size_t bytes) {
  const Key key{client, place.device, place.inode, place.size};
  if (files_.size() >= most_files && !files_.contains(key)) return nullptr;
  std::shared_ptr<const File>& file = files_[key];
  if (file == nullptr) file = std::make_shared<const File>(place.fd);
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = place.offset / page * page;
  const std::size_t before = static_cast<std::size_t>(place.offset - begin);
  void* base =
      mmap(nullptr, before + bytes, PROT_READ, MAP_SHARED, *file->fd, static_cast<off_t>(begin));
  if (base == MAP_FAILED) return nullptr;
  const auto buffer = std::make_shared<Borrowed>();
  buffer->base = base;
  buffer->mapped = before + bytes;
  buffer->data = static_cast<std::byte*>(base) + before;
  buffer->bytes = bytes;
  buffer->writable = false;
  buffer->shared = true;
  buffer->fd = *file->fd;
  buffer->offset = place.offset;
  buffer->file_number = file->number;
  buffer->file = file;
  detail::register_buffer(buffer);
  return buffer;
}

}  // namespace paracord::cluster
