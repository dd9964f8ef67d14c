#include "paracord/backends/zeromq/borrowed_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "paracord/memmap/arena.h"

namespace paracord::cluster {

namespace {

constexpr std::size_t most_files = 256;

struct Part final : detail::Buffer {
  std::shared_ptr<const void> file;
};

}  // namespace

// All of it.
struct BorrowedFiles::File final : detail::Buffer {
  File(const NeighbourFile& place, bool to_write) : to_read_(place.fd) {
    fd = *place.fd;
    if (to_write) {
      const std::string path = "/proc/self/fd/" + std::to_string(fd);
      fd = written_ = open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOCTTY);
    }
    if (fd < 0) return;
    void* mapped = mmap(nullptr, place.size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) return;
    data = static_cast<std::byte*>(mapped);
    bytes = place.size;
    writable = to_write;
    shared = true;
    file_number = detail::next_file_number();
  }
  ~File() override {
    detail::forget_buffer(*this);
    if (data != nullptr) munmap(data, bytes);
    if (written_ >= 0) close(written_);
  }

 private:
  const std::shared_ptr<const int> to_read_;
  int written_ = -1;
};

void BorrowedFiles::forget(PeerId client) {
  std::erase_if(files_, [&](const auto& known) { return known.first.client == client; });
}

std::shared_ptr<detail::Buffer> BorrowedFiles::map(PeerId client, const NeighbourFile& place,
                                                   std::size_t bytes, bool to_write) {
  const Key key{client, place.device, place.inode, place.size, to_write};
  auto known = files_.find(key);
  if (known == files_.end()) {
    if (files_.size() >= most_files) return nullptr;
    auto file = std::make_shared<File>(place, to_write);
    if (file->data == nullptr) return nullptr;
    detail::register_buffer(file);
    known = files_.emplace(key, std::move(file)).first;
  }
  const File& file = *known->second;
  const auto part = std::make_shared<Part>();
  part->data = file.data + place.offset;
  part->bytes = bytes;
  part->writable = to_write;
  part->shared = true;
  part->fd = file.fd;
  part->offset = place.offset;
  part->file_number = file.file_number;
  part->file = known->second;
  return part;
}

}  // namespace paracord::cluster
