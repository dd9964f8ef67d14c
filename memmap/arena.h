#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "paracord/core/guarded.h"

namespace paracord::detail {

/// A number that no other file has which this process shares.
std::uint32_t next_file_number();

/// Throws BackendUnavailable: what was tried with shared memory, and the reason.
[[noreturn]] void refuse_shared_memory(std::size_t bytes, const char* doing, int error);

/// A file without a name, mapped as a whole, in which many stretches of memory have their place: a
/// thousand results do not cost a thousand descriptors.
///
/// Knows which of its pages this process has in its page tables. Those are copied to directly, at
/// twice the rate of a system call and four times that of page faults. New pages are made by a
/// system call, twice as fast as through the mapping.
///
/// Threads: any, each in a place of its own.
/// Owns:    the descriptor.
/// Errors:  BackendUnavailable where the file cannot be mapped; an error number (0: none) where the
///          file system has no room for new pages. Never a SIGBUS.
class Arena {
 public:
  /// Page tables are looked after in chunks of this size.
  static constexpr std::size_t chunk = std::size_t{1} << 18;

  Arena(int fd, std::size_t bytes);
  Arena(const Arena&) = delete;
  ~Arena();

  const std::uint32_t number;  ///< among the files that this process shares
  const int fd;
  const std::size_t bytes;
  std::byte* base = nullptr;  ///< of the mapping: readable and writable

  /// `pages_exist`: all of them, from an earlier use.
  int write(std::size_t offset, const void* data, std::size_t bytes, bool pages_exist);
  /// Makes the pages exist: writing to them cannot fail.
  int reserve(std::size_t offset, std::size_t bytes);
  /// Gives pages back to the system.
  void drop(std::size_t offset, std::size_t bytes);
  /// In builds for debugging or with sanitizers: pages that exist and were given back are filled
  /// with a pattern, so that whoever still reads them, here or in another process, is found out.
  void poison(std::size_t offset, std::size_t bytes);
  /// They have an owner again.
  void unpoison(std::size_t offset, std::size_t bytes);

  /// Whether the chunk that begins at `offset` is in the page tables.
  bool is_mapped(std::size_t offset) const {
    return mapped_[offset / chunk].load(std::memory_order_relaxed);
  }
  /// Puts a chunk, of which all pages exist, into the page tables. Takes 15 µs. False, and of no
  /// effect, if pages were dropped since drops() said `drops`.
  bool map_chunk(std::size_t offset, std::uint64_t drops);
  std::uint64_t drops();

 private:
  void map(std::size_t offset, std::size_t bytes);
  int write_pages(std::size_t offset, const std::byte* data, std::size_t bytes);

  const std::uint64_t forks_;
  Guarded<std::uint64_t> drops_;
  std::unique_ptr<std::atomic<bool>[]>
      mapped_;  // by chunk; set and cleared under the lock of drops_
};

}  // namespace paracord::detail
