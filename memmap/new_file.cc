#include "paracord/memmap/new_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include "paracord/core/descriptors.h"

namespace paracord::detail {

namespace {

constexpr const char* temporary_prefix = ".paracord-";
constexpr const char* temporary_suffix = ".tmp";

std::string reason() {
  return std::strerror(errno);
}

// The file at the end of symbolic links: it is replaced, the link stays.
std::string target_of(const std::string& path) {
  struct stat about {};
  if (stat(path.c_str(), &about) != 0) return path;
  if (!S_ISREG(about.st_mode)) {
    throw std::invalid_argument("'" + path +
                                "' cannot be written: it is a folder or a device; give the path "
                                "of a file");
  }
  char* resolved = realpath(path.c_str(), nullptr);
  if (resolved == nullptr) return path;
  std::string target(resolved);
  std::free(resolved);
  return target;
}

}  // namespace

void refuse_file(const std::string& doing, const std::string& path) {
  throw std::runtime_error("'" + path + "' cannot be " + doing + ": " + reason());
}

bool is_temporary_name(std::string_view name) {
  return name.starts_with(temporary_prefix) && name.ends_with(temporary_suffix);
}

NewFile::NewFile(const std::string& path) : path_(target_of(path)) {
  static std::atomic<unsigned> count = 0;
  // Beside it, under a name that is short however long the file's own may be.
  const std::string folder = path_.substr(0, path_.rfind('/') + 1);
  do {
    temporary_ = folder + temporary_prefix + std::to_string(getpid()) + "-" +
                 std::to_string(count.fetch_add(1)) + temporary_suffix;
    fd_ = moved_up(open(temporary_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
  } while (fd_ < 0 && (errno == EEXIST || errno == EINTR));
  if (fd_ < 0) refuse_file("created", path);
  keep_owner_and_permissions();
}

// Of a file that is replaced. Its owner can be kept by root alone, and its group by members.
void NewFile::keep_owner_and_permissions() {
  struct stat before {};
  if (stat(path_.c_str(), &before) != 0) return;
  if (fchown(fd_, before.st_uid, before.st_gid) != 0) (void)!fchown(fd_, -1, before.st_gid);
  (void)fchmod(fd_, before.st_mode & 07777);
}

NewFile::~NewFile() {
  close(fd_);
  if (!temporary_.empty()) unlink(temporary_.c_str());
}

void NewFile::write(const void* data, std::size_t bytes) {
  const auto* next = static_cast<const char*>(data);
  while (bytes != 0) {
    const ssize_t written = ::write(fd_, next, bytes);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) refuse_file("written", path_);
    next += written;
    bytes -= static_cast<std::size_t>(written);
  }
}

void NewFile::extend(std::uint64_t bytes) {
  if (ftruncate(fd_, static_cast<off_t>(bytes)) != 0) {
    refuse_file("made " + std::to_string(bytes) + " bytes long", path_);
  }
}

void NewFile::commit() {
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) refuse_file("renamed into place", path_);
  temporary_.clear();
}

void read_fully(int fd, void* data, std::size_t bytes, std::uint64_t offset,
                const std::string& path) {
  auto* next = static_cast<char*>(data);
  while (bytes != 0) {
    const ssize_t got = pread(fd, next, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) refuse_file("read", path);
    if (got == 0) {
      throw std::runtime_error("'" + path + "' ends at byte " + std::to_string(offset) +
                               ", where " + std::to_string(bytes) +
                               " more are expected; was it cut off?");
    }
    next += got;
    bytes -= static_cast<std::size_t>(got);
    offset += static_cast<std::uint64_t>(got);
  }
}

}  // namespace paracord::detail
