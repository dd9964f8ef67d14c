#include "paracord/backends/zeromq/program_cache.h"

#include <fcntl.h>
#include <signal.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <system_error>
#include <vector>

#include "paracord/core/guarded.h"

namespace paracord::cluster {

namespace fs = std::filesystem;

namespace {

// Programs that are kept put together while no call uses them: clients make many calls.
constexpr std::size_t most_unused = 4;

std::string default_folder() {
  if (const char* cache = std::getenv("XDG_CACHE_HOME"); cache != nullptr && *cache == '/')
    return std::string(cache) + "/paracord";
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home == '/' && access(home, W_OK) == 0)
    return std::string(home) + "/.cache/paracord";
  return "/tmp/paracord-" + std::to_string(getuid());
}

Status trouble(const std::string& what) {
  return Status(StatusCode::unavailable,
                what + ": " + std::strerror(errno) + "; set --cache-folder to one with room");
}

bool write_all(int fd, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

bool is_noexec(const std::string& folder) {
  struct statvfs about {};
  return statvfs(folder.c_str(), &about) == 0 && (about.f_flag & ST_NOEXEC) != 0;
}

std::string key_of(const Program& program) {
  std::string names;
  for (const ProgramFile& file : program.files) names += file.sha256 + file.name + "\n";
  return sha256_of(std::as_bytes(std::span(names)));
}

}  // namespace

std::string sha256_of(std::span<const std::byte> bytes) {
  unsigned char digest[crypto_hash_sha256_BYTES];
  crypto_hash_sha256(digest, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
  char text[2 * sizeof digest + 1];
  sodium_bin2hex(text, sizeof text, digest, sizeof digest);
  return text;
}

struct ProgramCache::State {
  Options options;
  std::string files, programs;
  bool noexec = false;
  struct Prepared {
    int users = 0;
    int memory = -1;  // the executable, where it cannot be run from the folder
    Ready ready;
    std::uint64_t released = 0;  // when, in order
  };
  struct Programs {
    std::map<std::string, Prepared> by_key;
    std::uint64_t releases = 0;
    std::size_t unused() const {
      return static_cast<std::size_t>(std::count_if(
          by_key.begin(), by_key.end(), [](const auto& one) { return one.second.users == 0; }));
    }
  };
  detail::Guarded<Programs> prepared;

  // Those that were released first go first.
  void remove_unused(std::size_t kept) {
    while (true) {
      const auto removed = prepared.with([&](Programs& programs) {
        auto oldest = programs.by_key.end();
        if (programs.unused() <= kept) return std::map<std::string, Prepared>::node_type();
        for (auto one = programs.by_key.begin(); one != programs.by_key.end(); ++one) {
          if (one->second.users != 0) continue;
          if (oldest == programs.by_key.end() || one->second.released < oldest->second.released)
            oldest = one;
        }
        return programs.by_key.extract(oldest);
      });
      if (removed.empty()) return;
      if (removed.mapped().memory >= 0) close(removed.mapped().memory);
      std::error_code none;
      fs::remove_all(programs + "/" + removed.key(), none);
    }
  }

  Status put_together(const Program& program, const std::string& key, Prepared& made) const;

  // The files that were used longest ago go first; what runs keeps its bytes, as files do.
  void make_room(std::size_t bytes) {
    struct Kept {
      fs::file_time_type time;
      fs::path path;
      std::size_t bytes;
    };
    std::vector<Kept> all;
    std::size_t total = bytes;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator(files, none)) {
      const std::size_t size = entry.file_size(none);
      all.push_back({entry.last_write_time(none), entry.path(), size});
      total += size;
    }
    if (total <= options.bytes) return;
    remove_unused(0);
    std::sort(all.begin(), all.end(), [](const Kept& a, const Kept& b) { return a.time < b.time; });
    for (const Kept& file : all) {
      if (total <= options.bytes) return;
      fs::remove(file.path, none);
      total -= file.bytes;
    }
  }
};

ProgramCache::ProgramCache(Options options) : state_(std::make_unique<State>()) {
  if (options.folder.empty()) options.folder = default_folder();
  state_->files = options.folder + "/files";
  state_->programs = options.folder + "/programs-" + std::to_string(getpid());
  state_->options = std::move(options);
  std::error_code none;
  fs::create_directories(state_->files, none);
  fs::permissions(state_->options.folder, fs::perms::owner_all, none);
  state_->noexec = is_noexec(state_->options.folder);
  // What processes that are gone have left.
  for (const auto& entry : fs::directory_iterator(state_->options.folder, none)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with("programs-")) continue;
    const int pid = std::atoi(name.c_str() + std::strlen("programs-"));
    if (pid > 0 && kill(pid, 0) != 0 && errno == ESRCH) fs::remove_all(entry.path(), none);
  }
}

ProgramCache::~ProgramCache() {
  state_->prepared.with([](State::Programs& programs) {
    for (auto& [key, one] : programs.by_key) {
      if (one.memory >= 0) close(one.memory);
    }
  });
  std::error_code none;
  fs::remove_all(state_->programs, none);
}

std::string ProgramCache::path_of(const ProgramFile& file) const {
  return state_->files + "/" + file.sha256;
}

bool ProgramCache::has(const ProgramFile& file) const {
  std::error_code none;
  const std::string path = path_of(file);
  if (fs::file_size(path, none) != file.content.bytes || none) return false;
  fs::last_write_time(path, fs::file_time_type::clock::now(), none);
  return true;
}

Status ProgramCache::add(const ProgramFile& file, std::span<const std::byte> content) {
  if (sha256_of(content) != file.sha256) {
    return Status(StatusCode::unavailable,
                  "the file " + file.name +
                      " of the client's program is not what its name says; it was changed while "
                      "the program runs: start the program again");
  }
  state_->make_room(content.size());
  std::error_code none;
  fs::create_directories(state_->files, none);
  const std::string path = path_of(file);
  const std::string draft = path + "." + std::to_string(getpid());
  const int fd = open(draft.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0700);
  if (fd < 0) return trouble("the client's program cannot be kept in " + state_->files);
  const bool written = write_all(fd, content);
  Status status = written ? Status() : trouble("the client's program cannot be kept in " + path);
  close(fd);
  // Another node of this machine may have been faster, and its workers run that very file: it is
  // never replaced, unless it is another one.
  if (written && link(draft.c_str(), path.c_str()) != 0 && (errno != EEXIST || !has(file)) &&
      rename(draft.c_str(), path.c_str()) != 0)
    status = trouble("the client's program cannot be kept in " + path);
  unlink(draft.c_str());
  return status;
}

Status ProgramCache::State::put_together(const Program& program, const std::string& key,
                                         Prepared& made) const {
  Ready& ready = made.ready;
  ready.libraries = programs + "/" + key;
  ready.executable = ready.libraries + "/" + program.files.front().name;
  std::error_code failed;
  fs::create_directories(ready.libraries, failed);
  for (const ProgramFile& file : program.files) {
    const std::string name = ready.libraries + "/" + file.name;
    const std::string content = files + "/" + file.sha256;
    fs::remove(name, failed);
    fs::create_hard_link(content, name, failed);
    if (failed) fs::copy_file(content, name, failed);
    if (failed) {
      errno = failed.value();
      return trouble("the client's program cannot be put into " + ready.libraries);
    }
  }
  if (!noexec) return Status();
  const int from = open(ready.executable.c_str(), O_RDONLY | O_CLOEXEC);
  made.memory = memfd_create("paracord-program", MFD_CLOEXEC);
  struct stat about {};
  Status status;
  if (from < 0 || made.memory < 0 || fstat(from, &about) != 0)
    status = trouble("the client's program cannot be run from memory");
  for (off_t copied = 0; status.ok() && copied < about.st_size;) {
    const ssize_t part =
        sendfile(made.memory, from, nullptr, static_cast<std::size_t>(about.st_size - copied));
    if (part <= 0) status = trouble("the client's program cannot be run from memory");
    copied += part;
  }
  if (from >= 0) close(from);
  ready.executable = "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(made.memory);
  return status;
}

std::optional<ProgramCache::Ready> ProgramCache::take(const Program& program) {
  const std::string key = key_of(program);
  return state_->prepared.with([&](State::Programs& programs) -> std::optional<Ready> {
    const auto found = programs.by_key.find(key);
    if (found == programs.by_key.end()) return std::nullopt;
    // Somebody may have emptied the folder.
    if (access(found->second.ready.executable.c_str(), X_OK) != 0) return std::nullopt;
    ++found->second.users;
    return found->second.ready;
  });
}

Status ProgramCache::prepare(const Program& program, Ready& ready) {
  if (std::optional<Ready> there = take(program)) {
    ready = *std::move(there);
    return Status();
  }
  const std::string key = key_of(program);
  State::Prepared made;
  const Status status = state_->put_together(program, key, made);
  if (!status.ok()) {
    if (made.memory >= 0) close(made.memory);
    return status;
  }
  ready = made.ready;
  state_->prepared.with([&](State::Programs& programs) {
    State::Prepared& one = programs.by_key[key];
    made.users = one.users + 1;
    if (one.memory >= 0) close(one.memory);
    one = std::move(made);
  });
  return status;
}

bool ProgramCache::release(const Program& program) {
  const std::string key = key_of(program);
  return state_->prepared.with([&](State::Programs& programs) {
    const auto found = programs.by_key.find(key);
    if (found == programs.by_key.end()) return false;
    --found->second.users;
    found->second.released = ++programs.releases;
    return programs.unused() > most_unused;
  });
}

void ProgramCache::tidy() {
  state_->remove_unused(most_unused);
}

}  // namespace paracord::cluster
