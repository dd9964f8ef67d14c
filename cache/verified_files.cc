#include "paracord/cache/verified_files.h"

#include <sys/stat.h>

#include <cstdint>
#include <optional>
#include <set>
#include <tuple>

#include "paracord/core/guarded.h"

namespace paracord::detail {

namespace {

using File = std::tuple<dev_t, ino_t, off_t, time_t, long>;
constexpr std::size_t most = 100'000;

Guarded<std::set<File>>& verified() {
  static auto& files = *new Guarded<std::set<File>>;
  return files;
}

std::optional<File> identify(int fd) {
  struct stat about {};
  if (fstat(fd, &about) != 0) return std::nullopt;
  return File(about.st_dev, about.st_ino, about.st_size, about.st_mtim.tv_sec,
              about.st_mtim.tv_nsec);
}

}  // namespace

bool is_verified(int fd) {
  const auto file = identify(fd);
  return file && verified().with([&](const auto& files) { return files.contains(*file); });
}

void remember_verified(int fd) {
  const auto file = identify(fd);
  if (!file) return;
  verified().with([&](auto& files) {
    if (files.size() >= most) files.clear();
    files.insert(*file);
  });
}

}  // namespace paracord::detail
