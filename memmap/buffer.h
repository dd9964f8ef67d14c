#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "paracord/core/guarded.h"

namespace paracord::detail {

/// A stretch of memory that arrays own together: on the heap, in a shared segment, or of a mapped
/// file.
///
/// Threads: constant once it is handed out, but for `frozen`; what stands in the memory is the
/// users' business.
struct Buffer {
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  virtual ~Buffer() = default;
  /// Brings what was written to the disk. Throws std::runtime_error.
  virtual void flush() {}

  std::byte* data = nullptr;
  std::size_t bytes = 0;
  bool writable = true;              ///< the memory can be written to
  bool guarded = false;              ///< if not: the system ends who writes to it
  bool shared = false;               ///< what is written reaches the file
  std::atomic<bool> frozen = false;  ///< never changes again
  std::uint32_t file_number = 0;     ///< of the file, among those that this process shares
  int fd = -1;                       ///< of the file that it is a mapping of; -1: private memory
  std::uint64_t offset = 0;          ///< of `data` in that file

  /// Where a copy of private memory lies that others can map. For frozen memory: made when it is
  /// first sent, and good for as long as the buffer lives.
  struct Twin {
    std::shared_ptr<const void> owner;
    std::uint32_t file_number = 0;
    int fd = -1;
    std::uint64_t offset = 0;
  };
  Guarded<Twin> twin;
  /// How a frozen buffer's content is called in a cluster, once that was found out.
  Guarded<std::shared_ptr<const void>> name;
};

/// The registered buffer that holds some memory.
struct HeldMemory {
  std::shared_ptr<Buffer> buffer;
  std::size_t skipped;  ///< bytes of the buffer before the memory
  /// Whether it lies in a file that another process can map as well. If not, it is frozen.
  bool is_mapped() const { return buffer->fd >= 0; }
  /// What is written reaches the file.
  bool is_writable() const { return buffer->writable && buffer->shared && !buffer->frozen; }
};
/// The registered buffer that holds all of [data, data + bytes), if there is one.
///
/// Threads: any, as for those below.
std::optional<HeldMemory> find_buffer(const void* data, std::size_t bytes);
/// From now on the buffer's memory is found. Only for memory that is the file's (of a copy-on-write
/// mapping another process would see other values), or that is frozen.
void register_buffer(const std::shared_ptr<Buffer>& buffer);
/// To be called by the destructor of a buffer that may be registered, before its memory goes.
void forget_buffer(const Buffer& buffer);
/// The memory never changes again.
void freeze(const std::shared_ptr<Buffer>& buffer);

/// Makes the memory of new arrays, with unspecified contents. A worker process puts its shared
/// memory in the heap's place, so that results need no copy.
using Allocate = std::shared_ptr<Buffer> (*)(std::size_t bytes);
std::shared_ptr<Buffer> allocate_buffer(std::size_t bytes);
void set_allocator(Allocate allocate);

/// Private memory, aligned for every vector instruction; on huge pages where it is large.
std::shared_ptr<Buffer> allocate_on_heap(std::size_t bytes);

/// A buffer for memory that `owner` keeps.
std::shared_ptr<Buffer> adopt_memory(std::shared_ptr<void> owner, void* data, std::size_t bytes,
                                     bool writable);

/// Throws std::logic_error where the memory may not be written to.
void check_writable(const Buffer& buffer);

}  // namespace paracord::detail
