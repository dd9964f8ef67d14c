#include "paracord/memmap/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <utility>

#include "paracord/core/descriptors.h"
#include "paracord/memmap/arena.h"
#include "paracord/memmap/new_file.h"

namespace paracord::detail {

namespace {

// Closes the descriptor of what is no file.
std::uint64_t length_of(int fd, const std::string& path) {
  struct stat about {};
  const int failed = fstat(fd, &about);
  if (failed == 0 && S_ISREG(about.st_mode)) return static_cast<std::uint64_t>(about.st_size);
  close(fd);
  throw std::runtime_error("'" + path +
                           "' cannot be loaded: it is a folder or a device; give the path of a "
                           "file");
}

struct Mapping final : Buffer {
  ~Mapping() override {
    if (file_number != 0 || frozen) forget_buffer(*this);
    if (base != nullptr) munmap(base, mapped);
  }
  void flush() override {
    if (shared && writable && msync(base, mapped, MS_SYNC) != 0) refuse_file("flushed", path);
  }

  void* base = nullptr;
  std::size_t mapped = 0;
  std::string path;
  std::shared_ptr<OpenFile> file;  // null where nobody else maps it
};

}  // namespace

OpenFile::OpenFile(const std::string& path, MmapMode mode)
    : path_(path),
      fd_(moved_up(
          open(path.c_str(), (mode == MmapMode::read_write ? O_RDWR : O_RDONLY) | O_CLOEXEC))) {
  if (fd_ < 0) refuse_file("opened", path);
  bytes_ = length_of(fd_, path_);
}

OpenFile::OpenFile(int fd, std::string path)
    : path_(std::move(path)), fd_(moved_up(fcntl(fd, F_DUPFD_CLOEXEC, 0))) {
  if (fd_ < 0) refuse_file("opened once more", path_);
  bytes_ = length_of(fd_, path_);
}

OpenFile::~OpenFile() {
  close(fd_);
}

void OpenFile::check_holds(std::uint64_t offset, std::uint64_t bytes) const {
  if (offset <= bytes_ && bytes <= bytes_ - offset) return;
  throw std::runtime_error("'" + path_ + "' has " + std::to_string(bytes_) +
                           " bytes, too few for " + std::to_string(bytes) + " from byte " +
                           std::to_string(offset) +
                           " on; was it cut off, or are the shape, type or offset others?");
}

std::shared_ptr<Buffer> map_file(std::shared_ptr<OpenFile> file, MmapMode mode,
                                 std::uint64_t offset, std::size_t bytes) {
  file->check_holds(offset, bytes);
  if (bytes == 0) return allocate_on_heap(0);  // nothing to map; mmap() refuses that
  static const auto page = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t begin = offset / page * page;
  auto mapping = std::make_shared<Mapping>();
  const int protection = mode == MmapMode::read ? PROT_READ : PROT_READ | PROT_WRITE;
  const int sharing = mode == MmapMode::copy_on_write ? MAP_PRIVATE : MAP_SHARED;
  const std::size_t length = bytes + static_cast<std::size_t>(offset - begin);
  void* base = mmap(nullptr, length, protection, sharing, file->fd(), static_cast<off_t>(begin));
  if (base == MAP_FAILED) refuse_file("mapped", file->path());
  mapping->base = base;
  mapping->mapped = length;
  mapping->path = file->path();
  mapping->data = static_cast<std::byte*>(base) + (offset - begin);
  mapping->bytes = bytes;
  mapping->writable = mode != MmapMode::read;
  mapping->guarded = mode == MmapMode::read;
  if (mode == MmapMode::copy_on_write) return mapping;
  mapping->shared = true;
  mapping->fd = file->fd();
  mapping->offset = offset;
  mapping->file_number = next_file_number();
  mapping->file = std::move(file);
  register_buffer(mapping);
  return mapping;
}

}  // namespace paracord::detail
