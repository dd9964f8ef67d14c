#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <exception>
#include <span>
#include <thread>
#include <vector>

#include "paracord/core/event.h"
#include "paracord/memmap/byte_stream.h"

namespace paracord::detail {

/// Reads a source in a thread of its own, some chunks ahead.
class ReadAhead {
 public:
  explicit ReadAhead(ByteSource& from);
  ReadAhead(const ReadAhead&) = delete;
  ~ReadAhead();
  /// The next bytes, valid until the next call; none at the end. Throws what the source throws.
  std::span<const std::byte> next();

 private:
  static constexpr std::size_t chunks = 4, chunk_bytes = std::size_t{1} << 20;
  struct Chunk {
    std::vector<std::byte> room = std::vector<std::byte>(chunk_bytes);
    std::size_t bytes = 0;
    std::exception_ptr failure;
  };
  void run();
  bool fill(Chunk& chunk);

  ByteSource& from_;
  std::array<Chunk, chunks> ring_;
  std::atomic<std::size_t> filled_ = 0, freed_ = 0;  // how many so far
  std::atomic<bool> stop_ = false;
  std::size_t taken_ = 0;
  Event changed_;
  std::thread thread_;  // last: uses all above
};

/// Makes the pages of memory that is about to be written, in a thread of its own.
class PageMaker {
 public:
  PageMaker(void* data, std::size_t bytes);
  PageMaker(const PageMaker&) = delete;
  ~PageMaker();

 private:
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace paracord::detail
