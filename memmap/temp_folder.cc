#include "paracord/memmap/temp_folder.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"

namespace paracord::detail {

namespace {

// What stays free for others.
constexpr std::uint64_t largest_reserve_bytes = std::uint64_t{64} << 20;

int open_nameless(const std::string& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return fd;
  std::string path = folder + "/paracord-XXXXXX";
  const int named = mkostemp(path.data(), O_CLOEXEC);
  if (named >= 0) unlink(path.c_str());
  return named;
}

// Absolute: workers may be started in another folder.
std::string expanded(const std::string& folder) {
  const char* home = std::getenv("HOME");
  if (home != nullptr && (folder == "~" || folder.starts_with("~/")))
    return home + folder.substr(1);
  std::error_code error;
  const auto absolute = std::filesystem::absolute(folder, error);
  return error ? folder : absolute.string();
}

// One that the user has named. Where it cannot be made, whoever makes a file in it says why.
std::string made(const std::string& folder) {
  std::string path = expanded(folder);
  for (std::size_t end = 1; end != std::string::npos && end < path.size();) {
    end = path.find('/', end);
    (void)mkdir(path.substr(0, end).c_str(), 0700);
    if (end != std::string::npos) ++end;
  }
  return path;
}

}  // namespace

std::vector<std::string> temp_folders(const std::optional<std::string>& temp_folder) {
  if (temp_folder && !temp_folder->empty()) return {made(*temp_folder)};
  const char* chosen = std::getenv("PARACORD_TEMP_FOLDER");
  if (chosen != nullptr && *chosen != '\0') return {made(chosen)};
  return {"/dev/shm", system_temp_folder()};
}

// As Python's tempfile chooses it.
std::string system_temp_folder() {
  for (const char* name : {"TMPDIR", "TEMP", "TMP"}) {
    const char* folder = std::getenv(name);
    if (folder == nullptr || *folder == '\0') continue;
    std::string path = expanded(folder);
    if (access(path.c_str(), W_OK | X_OK) == 0) return path;
  }
  return access("/tmp", W_OK | X_OK) != 0 && access("/var/tmp", W_OK | X_OK) == 0 ? "/var/tmp"
                                                                                  : "/tmp";
}

std::uint64_t room_in(const std::string& folder) {
  struct statvfs about {};
  if (statvfs(folder.c_str(), &about) != 0) return 0;
  return static_cast<std::uint64_t>(about.f_bavail) * about.f_frsize;
}

int make_nameless_file(const std::vector<std::string>& folders, std::uint64_t bytes,
                       std::uint64_t needed) {
  // Beyond this limit the system ends the program.
  rlimit limit{};
  if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && bytes > limit.rlim_cur) {
    throw BackendUnavailable("shared memory of " + std::to_string(bytes) +
                             " bytes is larger than files may be (ulimit -f): " +
                             std::to_string(limit.rlim_cur) + " bytes");
  }
  std::string reasons;
  for (const std::string& folder : folders) {
    errno = 0;
    const std::uint64_t room = room_in(folder);
    reasons += (reasons.empty() ? "" : "; ") + folder + ": ";
    if (room < needed + std::min(largest_reserve_bytes, room / 16)) {
      reasons += errno != 0 ? std::string(std::strerror(errno))
                            : "room for " + std::to_string(room) + " bytes";
      continue;
    }
    const int fd = moved_up(open_nameless(folder));
    if (fd >= 0 && ftruncate(fd, static_cast<off_t>(bytes)) == 0) return fd;
    reasons += std::strerror(errno);
    if (fd >= 0) close(fd);
  }
  throw BackendUnavailable("no folder has room for " + std::to_string(needed) +
                           " bytes of shared memory (" + reasons +
                           "); free some, or name a folder on disk: temp_folder, or the "
                           "environment variable PARACORD_TEMP_FOLDER");
}

}  // namespace paracord::detail
