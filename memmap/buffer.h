#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "paracord/core/options.h"

namespace paracord::detail {

/// A stretch of memory that arrays own together: on the heap, in a shared segment, or a mapped
/// file.
///
/// Threads: the object is constant but for `shared_copy`'s owner; what stands in the memory is the
/// users' business.
struct Buffer {
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  virtual ~Buffer() = default;

  std::byte* data = nullptr;
  std::size_t bytes = 0;
  bool writable = true;      ///< writing is allowed
  bool shared = false;       ///< writes reach the file (false: heap, or copy-on-write)
  bool frozen = false;       ///< never changes again
  std::uint32_t file_number = 0;  ///< of that file, among those that this process shares
  int fd = -1;               ///< of the file that it is a mapping of; -1: private memory
  std::uint64_t offset = 0;  ///< of `data` in that file
};

/// Where some memory lies in a file that another process can map as well.
struct MappedPlace {
  int fd;
  std::uint64_t offset;
  bool writable;  ///< and writes reach the file
  std::shared_ptr<Buffer> buffer;
};

/// Every mapped (not private) buffer is registered from its creation to its end. The one that holds
/// all of [data, data + bytes), if there is any.
std::optional<MappedPlace> find_mapped(const void* data, std::size_t bytes);
void register_mapped(const std::shared_ptr<Buffer>& buffer);
void forget_mapped(const Buffer& buffer);

/// Makes the memory of new arrays. By default the heap (64-byte aligned); a worker process puts its
/// shared memory in its place, so that results need no copy.
using Allocate = std::shared_ptr<Buffer> (*)(std::size_t bytes);
std::shared_ptr<Buffer> allocate_buffer(std::size_t bytes);
std::shared_ptr<Buffer> allocate_on_heap(std::size_t bytes);
void set_allocator(Allocate allocate);

}  // namespace paracord::detail
