#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "paracord/core/options.h"
#include "paracord/memmap/buffer.h"

namespace paracord::detail {

/// An open file. Owns: the descriptor.
/// Errors: std::runtime_error with the path and the reason.
class OpenFile {
 public:
  /// For MmapMode::read_write also to write.
  OpenFile(const std::string& path, MmapMode mode);
  /// A descriptor of the same file; the one given stays the caller's.
  OpenFile(int fd, std::string path);
  OpenFile(const OpenFile&) = delete;
  ~OpenFile();

  int fd() const { return fd_; }
  std::uint64_t bytes() const { return bytes_; }
  const std::string& path() const { return path_; }
  /// Says that [offset, offset + bytes) is not all there, before somebody meets a SIGBUS.
  void check_holds(std::uint64_t offset, std::uint64_t bytes) const;

 private:
  const std::string path_;
  int fd_;
  std::uint64_t bytes_;
};

/// Maps a part of a file, which may begin anywhere. Other processes can map the same, by the
/// descriptor, except of a copy-on-write mapping: what is changed there stays here.
///
/// Owns: the mapping keeps the file open (but for copy-on-write).
/// Errors: std::runtime_error where the file is too short or cannot be mapped. Who shortens the
/// file later gets, as everywhere, a SIGBUS.
std::shared_ptr<Buffer> map_file(std::shared_ptr<OpenFile> file, MmapMode mode,
                                 std::uint64_t offset, std::size_t bytes);

}  // namespace paracord::detail
