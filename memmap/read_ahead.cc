#include "paracord/memmap/read_ahead.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

#include "paracord/core/service_thread.h"

namespace paracord::detail {

ReadAhead::ReadAhead(ByteSource& from) : from_(from), thread_(service_thread([this] { run(); })) {}

ReadAhead::~ReadAhead() {
  stop_ = true;
  changed_.notify();
  thread_.join();
}

bool ReadAhead::fill(Chunk& chunk) {
  try {
    chunk.bytes = from_.read_some(chunk.room.data(), chunk.room.size());
  } catch (...) {
    chunk.bytes = 0;
    chunk.failure = std::current_exception();
  }
  return chunk.bytes != 0;
}

void ReadAhead::run() {
  bool more = true;
  for (std::size_t next = 0; more && !stop_; ++next) {
    changed_.wait([&] { return stop_ || next - freed_ < chunks; });
    if (stop_) return;
    more = fill(ring_[next % chunks]);
    filled_ = next + 1;
    changed_.notify();
  }
}

std::span<const std::byte> ReadAhead::next() {
  if (taken_ != 0 && ring_[(taken_ - 1) % chunks].bytes == 0) return {};  // the end
  freed_ = taken_;
  changed_.notify();
  changed_.wait([&] { return filled_ > taken_; });
  const Chunk& chunk = ring_[taken_++ % chunks];
  if (chunk.failure != nullptr) std::rethrow_exception(chunk.failure);
  return {chunk.room.data(), chunk.bytes};
}

PageMaker::PageMaker(void* data, std::size_t bytes) {
#ifdef MADV_POPULATE_WRITE
  static const auto page = static_cast<std::uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = (reinterpret_cast<std::uintptr_t>(data) + page - 1) / page * page;
  const auto end = (reinterpret_cast<std::uintptr_t>(data) + bytes) / page * page;
  thread_ = service_thread([this, begin, end] {
    constexpr std::uintptr_t step = std::uintptr_t{8} << 20;
    for (std::uintptr_t at = begin; at < end && !stop_; at += step) {
      // Where the system cannot, the pages come when they are written.
      while (madvise(reinterpret_cast<void*>(at), std::min(step, end - at), MADV_POPULATE_WRITE) !=
             0) {
        if (errno != EINTR) return;
      }
    }
  });
#else
  (void)data;
  (void)bytes;
#endif
}

PageMaker::~PageMaker() {
  stop_ = true;
  if (thread_.joinable()) thread_.join();
}

}  // namespace paracord::detail
