#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>

/// Processes that share memory, and how they find that out: not by comparing the names of their
/// hosts, but by opening each other's files.
namespace paracord::cluster {

/// Where one may look whether it shares memory with a process: in a file of that, by its number,
/// stands this. Process 0: it shares nothing.
struct Whereabouts {
  std::int32_t process = 0, fd = -1;
  std::array<std::uint64_t, 2> nonce{};
};

/// A file of this process that holds a number which nobody else can know.
///
/// Owns: the descriptor.
class Landmark {
 public:
  Landmark();
  Landmark(const Landmark&) = delete;
  ~Landmark();
  /// Process 0 where no such file can be made.
  const Whereabouts& about() const { return about_; }

 private:
  Whereabouts about_;
};

/// Whether the files of that process can be opened here.
bool shares_memory(const Whereabouts& about);

/// A place in an open file of a process, as another one finds it.
struct FilePlace {
  std::int32_t fd = -1;  ///< −1: none
  std::uint64_t offset = 0, device = 0, inode = 0;
};
/// Names the file as well. None where it cannot be looked at.
FilePlace place_in(int fd, std::uint64_t offset);

/// A file of another process, opened to be read.
struct NeighbourFile {
  std::shared_ptr<const int> fd;  ///< closed with the last owner
  std::uint64_t offset = 0, device = 0, inode = 0, size = 0;
};
/// None unless the process has that file there, with `bytes` at the place.
std::optional<NeighbourFile> open_file(std::int32_t process, const FilePlace& place,
                                       std::uint64_t bytes);

}  // namespace paracord::cluster
