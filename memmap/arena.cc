#include "paracord/memmap/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "paracord/core/errors.h"
#include "paracord/core/fork.h"
#include "paracord/core/huge_pages.h"
#include "paracord/memmap/stream_copy.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#endif

#ifndef MADV_POPULATE_READ  // Linux 5.14; older C libraries do not name it
#define MADV_POPULATE_READ 22
#endif

namespace paracord::detail {

namespace {

#if defined(NDEBUG) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool poisons = false;
#else
constexpr bool poisons = true;
#endif
constexpr int poison_byte = 0xd7;

// A page that is read brings so many neighbours into the page tables, writable as the mapping is:
// four times as fast as one by one. (The kernel's usual setting; with another one this is slower.)
constexpr std::size_t read_around = std::size_t{64} << 10;

// By the kernel rather than by reading: somebody may be writing there.
bool put_in_page_tables(std::byte* data, std::size_t bytes) {
  for (std::size_t at = 0; at < bytes; at += read_around) {
    while (madvise(data + at, page_bytes, MADV_POPULATE_READ) != 0) {
      if (errno != EINTR) return false;
    }
  }
  return true;
}

}  // namespace

std::uint32_t next_file_number() {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

void refuse_shared_memory(std::size_t bytes, const char* doing, int error) {
  throw BackendUnavailable("shared memory: " + std::string(doing) + " " + std::to_string(bytes) +
                           " bytes failed: " + std::strerror(error) +
                           "; is the address space limited (ulimit -v), or the temp_folder full?");
}

Arena::Arena(int fd, std::size_t bytes)
    : number(next_file_number()),
      fd(fd),
      bytes(bytes),
      forks_(fork_count()),
      mapped_(std::make_unique<std::atomic<bool>[]>(bytes / chunk + 1)) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    const int error = errno;
    close(fd);
    refuse_shared_memory(bytes, "mapping", error);
  }
  base = static_cast<std::byte*>(mapped);
}

Arena::~Arena() {
  unpoison(0, bytes);  // other memory may come to lie at these addresses
  munmap(base, bytes);
  close(fd);
}

// Runs of chunks that are alike go at once.
int Arena::write(std::size_t offset, const void* data, std::size_t bytes, bool pages_exist) {
  const auto* from = static_cast<const std::byte*>(data);
  if (pages_exist) map(offset, bytes);
  while (bytes != 0) {
    const bool mapped = is_mapped(offset);
    std::size_t run = std::min(bytes, chunk - offset % chunk);
    while (run < bytes && is_mapped(offset + run) == mapped) run = std::min(bytes, run + chunk);
    if (mapped) {
      stream_copy(base + offset, from, run);
    } else if (const int error = write_pages(offset, from, run); error != 0) {
      return error;
    }
    offset += run;
    from += run;
    bytes -= run;
  }
  return 0;
}

// Whole chunks: whether the rest of those at either end exists is not known.
void Arena::map(std::size_t offset, std::size_t bytes) {
  const std::uint64_t before = drops();
  for (std::size_t at = (offset + chunk - 1) / chunk * chunk; at + chunk <= offset + bytes;
       at += chunk) {
    if (!is_mapped(at)) (void)map_chunk(at, before);
  }
}

int Arena::write_pages(std::size_t offset, const std::byte* data, std::size_t bytes) {
  while (bytes != 0) {
    const ssize_t written = pwrite(fd, data, bytes, static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return written == 0 ? EIO : errno;
    const auto done = static_cast<std::size_t>(written);
    offset += done;
    data += done;
    bytes -= done;
  }
  return 0;
}

int Arena::reserve(std::size_t offset, std::size_t bytes) {
  int error = 0;
  do {
    error = posix_fallocate(fd, static_cast<off_t>(offset), static_cast<off_t>(bytes));
  } while (error == EINTR);
  return error;
}

void Arena::poison([[maybe_unused]] std::size_t offset, [[maybe_unused]] std::size_t bytes) {
  if (forks_ != fork_count()) return;  // as for drop()
  if constexpr (poisons) std::memset(base + offset, poison_byte, bytes);
#if defined(__SANITIZE_ADDRESS__)
  ASAN_POISON_MEMORY_REGION(base + offset, bytes);
#endif
}

void Arena::unpoison([[maybe_unused]] std::size_t offset, [[maybe_unused]] std::size_t bytes) {
#if defined(__SANITIZE_ADDRESS__)
  ASAN_UNPOISON_MEMORY_REGION(base + offset, bytes);
#endif
}

void Arena::drop(std::size_t offset, std::size_t bytes) {
  // What the process has forked off from goes on with these pages.
  if (forks_ != fork_count()) return;
  drops_.with([&](std::uint64_t& drops) {
    ++drops;
    for (std::size_t at = offset / chunk; at <= (offset + bytes - 1) / chunk; ++at)
      mapped_[at].store(false, std::memory_order_relaxed);
  });
  (void)fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                  static_cast<off_t>(bytes));
}

std::uint64_t Arena::drops() {
  return drops_.with([](std::uint64_t drops) { return drops; });
}

bool Arena::map_chunk(std::size_t offset, std::uint64_t drops) {
  const bool done = put_in_page_tables(base + offset, chunk);
  return drops_.with([&](std::uint64_t now) {
    if (done && now == drops) mapped_[offset / chunk].store(true, std::memory_order_relaxed);
    return now == drops;
  });
}

}  // namespace paracord::detail
