#pragma once

#include <cstddef>
#include <string>

/// What the file system and the hash allow: the bounds of the rows of groups `cache` and `persist`.
namespace paracord::bench {

/// A folder of its own below `parent`, away with this object.
class ScratchFolder {
 public:
  explicit ScratchFolder(const std::string& parent);
  ScratchFolder(const ScratchFolder&) = delete;
  ~ScratchFolder();
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Opens, reads and closes the file; the bytes read.
std::size_t open_read_close(const std::string& path);
/// Creates a file, writes so many bytes, and gives it its name.
void create_write_rename(const std::string& path, std::size_t bytes);
/// XXH3-128 itself.
unsigned long long raw_hash(const void* data, std::size_t bytes);

}  // namespace paracord::bench
