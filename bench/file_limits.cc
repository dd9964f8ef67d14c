#include "paracord/bench/file_limits.h"

#include <fcntl.h>
#include <unistd.h>
#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace paracord::bench {

ScratchFolder::ScratchFolder(const std::string& parent) : path_(parent + "/paracord-bench-XXXXXX") {
  if (mkdtemp(path_.data()) == nullptr) std::exit(1);
}

ScratchFolder::~ScratchFolder() {
  std::filesystem::remove_all(path_);
}

std::size_t open_read_close(const std::string& path) {
  char bytes[4096];
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const ssize_t got = read(fd, bytes, sizeof bytes);
  close(fd);
  return got < 0 ? 0 : static_cast<std::size_t>(got);
}

void create_write_rename(const std::string& path, std::size_t bytes) {
  static const std::string zeros(1 << 20, '\0');
  const std::string temporary = path + ".tmp";
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (write(fd, zeros.data(), bytes) < 0) std::exit(1);
  close(fd);
  std::rename(temporary.c_str(), path.c_str());
}

unsigned long long raw_hash(const void* data, std::size_t bytes) {
#ifdef __x86_64__
  return XXH3_128bits_dispatch(data, bytes).low64;
#else
  return XXH3_128bits(data, bytes).low64;
#endif
}

}  // namespace paracord::bench
