#include "paracord/transport/neighbours.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "paracord/transport/random.h"

namespace paracord::cluster {

namespace {

// It is regular, or nothing is opened: others may wait for whoever opens them.
std::shared_ptr<const int> open_of(std::int32_t process, std::int32_t fd) {
  const std::string path = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd);
  struct stat about {};
  if (process <= 0 || fd < 0 || stat(path.c_str(), &about) != 0 || !S_ISREG(about.st_mode))
    return nullptr;
  const int opened = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (opened < 0) return nullptr;
  return {new int(opened), [](const int* one) {
            close(*one);
            delete one;
          }};
}

}  // namespace

Landmark::Landmark() {
  const int fd = memfd_create("paracord-landmark", MFD_CLOEXEC);
  if (fd < 0) return;
  about_ = {getpid(), fd, {random_number(), random_number()}};
  if (pwrite(fd, about_.nonce.data(), sizeof about_.nonce, 0) == sizeof about_.nonce) return;
  close(fd);
  about_ = {};
}

Landmark::~Landmark() {
  if (about_.fd >= 0) close(about_.fd);
}

bool shares_memory(const Whereabouts& about) {
  const auto file = open_of(about.process, about.fd);
  std::array<std::uint64_t, 2> found{};
  return file != nullptr && pread(*file, found.data(), sizeof found, 0) == sizeof found &&
         found == about.nonce;
}

FilePlace place_in(int fd, std::uint64_t offset) {
  struct stat about {};
  if (fd < 0 || fstat(fd, &about) != 0 || !S_ISREG(about.st_mode)) return {};
  return {fd, offset, about.st_dev, about.st_ino};
}

std::optional<NeighbourFile> open_file(std::int32_t process, const FilePlace& place,
                                       std::uint64_t bytes) {
  const auto file = open_of(process, place.fd);
  struct stat about {};
  if (file == nullptr || fstat(*file, &about) != 0) return std::nullopt;
  const auto length = static_cast<std::uint64_t>(about.st_size);
  const bool is_the_same = about.st_dev == place.device && about.st_ino == place.inode;
  if (!is_the_same || place.offset > length || bytes > length - place.offset) return std::nullopt;
  return NeighbourFile{file, place.offset, place.device, place.inode, length};
}

}  // namespace paracord::cluster
