#include "paracord/cache/local_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <utility>

#include "paracord/cache/cache_folder.h"
#include "paracord/core/descriptors.h"
#include "paracord/memmap/mapped_file.h"
#include "paracord/memmap/new_file.h"

namespace paracord::detail {

namespace {

namespace fs = std::filesystem;

constexpr const char* part = ".part";  // behind the name of an entry that is being made
constexpr std::size_t digits = 32;

bool is_file(int fd) {
  struct stat about {};
  return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}
bool is_file(const std::string& path) {
  struct stat about {};
  return lstat(path.c_str(), &about) == 0 && S_ISREG(about.st_mode);
}

[[noreturn]] void refuse_no_file(const std::string& path) {
  throw std::runtime_error("'" + path + "' is no ordinary file; remove it");
}

// A cache's folder may hold what nobody put there by intent: a named pipe or a device would block
// whoever opens or reads it.
constexpr int careful = O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC;

// Small entries are read whole with the first read; what is larger is read where it belongs.
class LocalItem final : public StoredItem {
 public:
  LocalItem(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {
    known_ = read_at(buffer_, sizeof buffer_, 0);
    bytes_ = known_;
    if (known_ == sizeof buffer_) {
      struct stat about {};
      if (fstat(fd_.get(), &about) != 0) refuse_file("read", path_);
      bytes_ = static_cast<std::uint64_t>(about.st_size);
    }
    // The system's own note of the last use comes once a day at the most.
    const timespec times[] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    (void)futimens(fd_.get(), times);
  }

  std::uint64_t bytes() const override { return bytes_; }
  std::shared_ptr<OpenFile> file() override {
    if (file_ == nullptr) file_ = std::make_shared<OpenFile>(fd_.get(), path_);
    return file_;
  }
  std::size_t read_some(void* data, std::size_t bytes) override {
    std::size_t got;
    if (position_ < known_) {
      got = std::min(bytes, static_cast<std::size_t>(known_ - position_));
      std::memcpy(data, buffer_ + position_, got);
    } else {
      got = position_ < bytes_ ? read_at(data, bytes, position_) : 0;
    }
    position_ += got;
    return got;
  }
  bool skip(std::size_t bytes) override {
    position_ += bytes;
    return position_ <= bytes_;
  }

 private:
  std::size_t read_at(void* data, std::size_t bytes, std::uint64_t offset) const {
    ssize_t got;
    do {
      got = pread(fd_.get(), data, bytes, static_cast<off_t>(offset));
    } while (got < 0 && errno == EINTR);
    if (got < 0) refuse_file("read", path_);
    return static_cast<std::size_t>(got);
  }

  const Descriptor fd_;
  const std::string path_;
  std::shared_ptr<OpenFile> file_;  // also of those who map it
  std::uint64_t bytes_ = 0, position_ = 0;
  std::size_t known_ = 0;
  std::byte buffer_[4096];
};

// The file of an entry that is being made: locked for as long as it lives.
class LocalReservation final : public Reservation {
 public:
  LocalReservation(Descriptor fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  ~LocalReservation() override {
    if (!published_) unlink((path_ + part).c_str());
  }
  void write(const void* data, std::size_t bytes) override {
    put(data, bytes, end_);
    end_ += bytes;
  }
  void overwrite_start(const void* data, std::size_t bytes) override { put(data, bytes, 0); }
  void publish() override {
    if (std::rename((path_ + part).c_str(), path_.c_str()) != 0)
      refuse_file("renamed into place", path_);
    published_ = true;
  }

 private:
  void put(const void* data, std::size_t bytes, std::uint64_t offset) {
    const auto* next = static_cast<const char*>(data);
    while (bytes != 0) {
      const ssize_t written = pwrite(fd_.get(), next, bytes, static_cast<off_t>(offset));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) refuse_file("written", path_);
      next += written;
      bytes -= static_cast<std::size_t>(written);
      offset += static_cast<std::uint64_t>(written);
    }
  }

  const Descriptor fd_;
  const std::string path_;
  std::uint64_t end_ = 0;
  bool published_ = false;
};

Descriptor create_part(const std::string& path) {
  const std::string name = path + part;
  const auto create = [&] { return ::open(name.c_str(), O_RDWR | O_CREAT | careful, 0666); };
  int fd = create();
  for (int tries = 0; fd < 0 && errno == ENOENT && tries != 3; ++tries) {
    // The folders are missing, and may be swept away again while they are made.
    std::error_code ignored;
    fs::create_directories(fs::path(path).parent_path(), ignored);
    fd = create();
  }
  fd = moved_up(fd);
  if (fd < 0) refuse_file("created", name);
  Descriptor made(fd);
  if (!is_file(made.get())) refuse_no_file(name);
  return made;
}

void lock(int fd, const std::string& path) {
  while (flock(fd, LOCK_EX) != 0) {
    if (errno != EINTR) refuse_file("locked", path);
  }
}

// The file may have become the entry, or be gone, while its lock was waited for. Its length, else.
std::optional<off_t> length_if_still_named(int fd, const std::string& name) {
  struct stat mine {
  }, named{};
  if (fstat(fd, &mine) != 0 || stat(name.c_str(), &named) != 0) return std::nullopt;
  if (mine.st_dev != named.st_dev || mine.st_ino != named.st_ino) return std::nullopt;
  return mine.st_size;
}

bool is_key(const std::string& name) {
  return name.size() == digits && name.find_first_not_of("0123456789abcdef") == std::string::npos;
}

std::chrono::system_clock::time_point time_of(const timespec& time) {
  using namespace std::chrono;  // NOLINT: seconds and nanoseconds
  return system_clock::time_point(
      duration_cast<system_clock::duration>(seconds(time.tv_sec) + nanoseconds(time.tv_nsec)));
}

void add_item(const fs::path& path, const std::string& function, std::vector<ItemInfo>& all) {
  struct stat about {};
  if (lstat(path.c_str(), &about) != 0) return;  // erased meanwhile
  if (!S_ISREG(about.st_mode)) return;
  const std::string name = path.filename();
  const Digest key{std::stoull(name.substr(0, digits / 2), nullptr, 16),
                   std::stoull(name.substr(digits / 2), nullptr, 16)};
  all.push_back(
      {{function, key}, static_cast<std::uint64_t>(about.st_size), time_of(about.st_atim)});
}

// Of a process that died. One that is being made stays.
void remove_abandoned(const fs::path& path) {
  const Descriptor fd(::open(path.c_str(), O_RDWR | careful));
  if (fd.get() >= 0 && is_file(fd.get()) && flock(fd.get(), LOCK_EX | LOCK_NB) == 0 &&
      length_if_still_named(fd.get(), path)) {
    unlink(path.c_str());
  }
}

// Calls `use` with each file of a function's folder.
template <class Use>
void for_each_file(const fs::path& function, Use use) {
  std::error_code failed;
  for (const auto& shard : fs::directory_iterator(function, failed)) {
    std::error_code gone;
    for (const auto& file : fs::directory_iterator(shard.path(), gone)) use(file.path());
  }
}

void clear_folder(const fs::path& function) {
  for_each_file(function, [](const fs::path& file) {
    if (file.extension() == part) {
      remove_abandoned(file);
    } else if (is_key(file.filename())) {
      unlink(file.c_str());
    }
  });
  std::error_code failed;
  for (const auto& shard : fs::directory_iterator(function, failed)) rmdir(shard.path().c_str());
  rmdir(function.c_str());  // fails where something is left, as it should
}

}  // namespace

LocalStore::LocalStore(const std::string& location) : root_(fs::absolute(location)) {
  make_cache_folder(root_);
}

std::string LocalStore::path_of(const ItemName& name) const {
  const std::string key = name.key.to_string();
  std::string path;
  path.reserve(root_.size() + name.function.size() + key.size() + 5);
  path.append(root_).append("/").append(name.function).append("/").append(key, 0, 2);
  return path.append("/").append(key);
}

std::unique_ptr<StoredItem> LocalStore::open(const ItemName& name) {
  std::string path = path_of(name);
  Descriptor fd(::open(path.c_str(), O_RDONLY | careful));
  if (fd.get() < 0) {
    if (errno == ENOENT) return nullptr;
    if (errno == ELOOP) refuse_no_file(path);
    refuse_file("opened", path);
  }
  if (!is_file(fd.get())) refuse_no_file(path);
  return std::make_unique<LocalItem>(std::move(fd), std::move(path));
}

bool LocalStore::contains(const ItemName& name) {
  return is_file(path_of(name));
}

std::unique_ptr<Reservation> LocalStore::reserve(const ItemName& name) {
  std::string path = path_of(name);
  while (true) {
    Descriptor fd = create_part(path);
    lock(fd.get(), path);
    const auto length = length_if_still_named(fd.get(), path + part);
    if (!length) continue;
    // What a process wrote that died.
    if (*length != 0 && ftruncate(fd.get(), 0) != 0) refuse_file("emptied", path + part);
    return std::make_unique<LocalReservation>(std::move(fd), std::move(path));
  }
}

void LocalStore::erase(const ItemName& name) {
  const std::string path = path_of(name);
  if (unlink(path.c_str()) != 0 && errno != ENOENT) refuse_file("erased", path);
}

std::vector<ItemInfo> LocalStore::items() {
  std::vector<ItemInfo> all;
  std::error_code failed;
  for (const auto& function : fs::directory_iterator(root_, failed)) {
    if (!function.is_directory(failed)) continue;
    for_each_file(function.path(), [&](const fs::path& file) {
      if (is_key(file.filename())) add_item(file, function.path().filename(), all);
    });
  }
  return all;
}

void LocalStore::clear(const std::string& function) {
  clear_folder(fs::path(root_) / function);
}

void LocalStore::clear_all() {
  std::error_code failed;
  for (const auto& function : fs::directory_iterator(root_, failed)) {
    if (function.is_directory(failed)) clear_folder(function.path());
  }
}

}  // namespace paracord::detail
