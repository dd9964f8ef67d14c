#include "paracord/backends/zeromq/object_store.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <list>
#include <map>
#include <vector>

#include "paracord/backends/zeromq/shared_buffer.h"
#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::cluster {

namespace {

// What /dev/shm has no room for lies in a file on the disk, mapped like the rest.
std::size_t default_memory() {
  return static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) / 4;
}

bool write_all(int fd, const std::byte* data, std::size_t bytes) {
  for (std::size_t done = 0; done != bytes;) {
    const ssize_t part = pwrite(fd, data + done, bytes - done, static_cast<off_t>(done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) return false;
    done += static_cast<std::size_t>(part);
  }
  return true;
}

bool read_all(int fd, std::byte* data, std::size_t bytes) {
  for (std::size_t done = 0; done != bytes;) {
    const ssize_t part = pread(fd, data + done, bytes - done, static_cast<off_t>(done));
    if (part < 0 && errno == EINTR) continue;
    if (part <= 0) return false;
    done += static_cast<std::size_t>(part);
  }
  return true;
}

// Memory counts until it is free: somebody may hold that of an object that was erased.
struct Used {
  Used(std::shared_ptr<std::atomic<std::size_t>> all, std::size_t some)
      : total(std::move(all)), bytes(some) {
    total->fetch_add(bytes);
  }
  Used(const Used&) = delete;
  ~Used() { total->fetch_sub(bytes); }
  const std::shared_ptr<std::atomic<std::size_t>> total;
  const std::size_t bytes;
};

// Not every file system has files that never had a name.
int open_spill_file(const std::string& folder) {
  const int fd = open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0) return fd;
  std::string name = folder + "/paracord-spill-XXXXXX";
  const int named = mkostemp(name.data(), O_CLOEXEC);
  if (named >= 0) unlink(name.c_str());
  return named;
}

struct Entry {
  std::shared_ptr<detail::Buffer> memory;  // null: on the disk
  int spilled = -1;                        // a file without a name
  bool complete = false, reloading = false;
  std::list<ObjectId>::iterator used;  // in the order of use
};

}  // namespace

struct ObjectStore::State {
  explicit State(Options given) : options(std::move(given)), arenas(folders()) {
    if (options.memory_bytes == 0) options.memory_bytes = default_memory();
    if (options.spill_folder.empty()) options.spill_folder = detail::system_temp_folder();
  }
  ~State() {
    for (auto& [object, entry] :
         table.with([](Table& all) { return std::exchange(all.entries, {}); }))
      if (entry.spilled >= 0) close(entry.spilled);
  }

  struct Table {
    std::map<ObjectId, Entry> entries;
    std::list<ObjectId> order;  // the one used longest ago comes first
    Counters counters{};
  };

  std::vector<std::string> folders() const {
    if (!options.folders.empty()) return options.folders;
    std::vector<std::string> all = detail::temp_folders(std::nullopt);
    if (!options.spill_folder.empty()) all.push_back(options.spill_folder);
    return all;
  }

  // Objects that nobody holds leave the memory until there is room for `bytes`. It is told before
  // their memory goes, under the lock: whoever is told stops showing it to others.
  void make_room(Table& all, std::size_t bytes) {
    for (auto object = all.order.begin();
         object != all.order.end() && used->load() + bytes > options.memory_bytes;) {
      const ObjectId id = *object++;
      Entry& entry = all.entries.at(id);
      if (entry.memory == nullptr || !entry.complete || entry.memory.use_count() > 1) continue;
      if (told) told(id);
      ++all.counters.evictions;
      const bool kept = spill(all, id, entry);
      // Making room on the disk takes objects away that are there alone: never this one, nor the
      // next, unless that one is.
      object = std::next(entry.used);
      entry.memory.reset();
      if (!kept) remove(all, id);
    }
  }

  // Copies of what is in memory as well go first, then what was used longest ago.
  bool make_disk_room(Table& all, std::size_t bytes) {
    if (bytes > options.spill_bytes) return false;
    const auto fits = [&] { return all.counters.spilled_bytes + bytes <= options.spill_bytes; };
    for (const bool copies : {true, false}) {
      for (auto object = all.order.begin(); object != all.order.end() && !fits();) {
        const ObjectId id = *object++;
        Entry& entry = all.entries.at(id);
        if (entry.spilled < 0 || (entry.memory != nullptr) != copies || entry.reloading) continue;
        if (copies) {
          drop_file(all, id, entry);
        } else {
          remove(all, id);
        }
      }
    }
    return fits();
  }

  void drop_file(Table& all, const ObjectId& id, Entry& entry) {
    if (entry.spilled < 0) return;
    close(std::exchange(entry.spilled, -1));
    all.counters.spilled_bytes -= static_cast<std::size_t>(id.bytes);
  }

  // To the disk, where it is not there yet and where there is room.
  bool spill(Table& all, const ObjectId& id, Entry& entry) {
    if (entry.spilled >= 0) return true;
    if (!make_disk_room(all, static_cast<std::size_t>(id.bytes))) return false;
    const int fd = open_spill_file(options.spill_folder);
    if (fd < 0) return false;
    if (!write_all(fd, entry.memory->data, static_cast<std::size_t>(id.bytes))) {
      close(fd);
      return false;
    }
    entry.spilled = fd;
    all.counters.spilled_bytes += static_cast<std::size_t>(id.bytes);
    ++all.counters.spills;
    return true;
  }

  // Under the lock: memory within the budget.
  Held new_memory(Table& all, const ObjectId& object, Room room) {
    const auto bytes = static_cast<std::size_t>(object.bytes);
    make_room(all, bytes);
    if (bytes > options.memory_bytes || used->load() > options.memory_bytes - bytes) {
      throw BackendUnavailable("the node's object store has no room for " + std::to_string(bytes) +
                               " bytes: tasks use " + std::to_string(used->load()) + " of " +
                               std::to_string(options.memory_bytes) +
                               "; start the node with a larger --store-megabytes");
    }
    return shared_buffer(
        room == Room::at_once ? arenas.allocate(bytes) : arenas.allocate_to_fill(bytes), bytes,
        false, std::make_shared<const Used>(used, bytes));
  }

  void remove(Table& all, const ObjectId& id) {
    const auto found = all.entries.find(id);
    if (found == all.entries.end()) return;
    Entry& entry = found->second;
    drop_file(all, id, entry);
    all.order.erase(entry.used);
    all.entries.erase(found);
    all.counters.objects = all.entries.size();
  }

  Options options;
  detail::ArenaStore arenas;
  detail::Guarded<Table> table;
  std::function<void(const ObjectId&)> told;
  const std::shared_ptr<std::atomic<std::size_t>> used =
      std::make_shared<std::atomic<std::size_t>>(0);
};

ObjectStore::ObjectStore(Options options) : state_(std::make_shared<State>(std::move(options))) {}

ObjectStore::~ObjectStore() = default;

ObjectStore::Held ObjectStore::make(const ObjectId& object, Room room) {
  return state_->table.with([&](State::Table& all) {
    state_->remove(all, object);
    Held memory = state_->new_memory(all, object, room);
    Entry& entry = all.entries[object];
    entry.memory = memory;
    entry.used = all.order.insert(all.order.end(), object);
    all.counters.objects = all.entries.size();
    return memory;
  });
}

void ObjectStore::complete(const ObjectId& object) {
  state_->table.with([&](State::Table& all) {
    const auto found = all.entries.find(object);
    if (found != all.entries.end()) found->second.complete = true;
  });
}

ObjectStore::Held ObjectStore::find(const ObjectId& object) {
  return state_->table.with([&](State::Table& all) -> Held {
    const auto found = all.entries.find(object);
    if (found == all.entries.end() || !found->second.complete) return nullptr;
    Entry& entry = found->second;
    all.order.splice(all.order.end(), all.order, entry.used);
    if (entry.memory != nullptr) return entry.memory;
    entry.reloading = true;
    Held memory;
    try {
      memory = state_->new_memory(all, object, Room::at_once);
    } catch (...) {
      entry.reloading = false;
      throw;
    }
    entry.reloading = false;
    if (!read_all(entry.spilled, memory->data, static_cast<std::size_t>(object.bytes))) {
      state_->remove(all, object);
      return nullptr;
    }
    ++all.counters.reloads;
    entry.memory = memory;
    return memory;
  });
}

void ObjectStore::erase(const ObjectId& object) {
  state_->table.with([&](State::Table& all) {
    const auto found = all.entries.find(object);
    if (found == all.entries.end()) return;
    if (state_->told && found->second.complete && found->second.memory != nullptr)
      state_->told(object);
    state_->remove(all, object);
  });
}

void ObjectStore::on_dropped(std::function<void(const ObjectId&)> told) {
  state_->told = std::move(told);
}

std::size_t ObjectStore::memory_limit() const {
  return state_->options.memory_bytes;
}

ObjectStore::Counters ObjectStore::counters() const {
  return state_->table.with([&](State::Table& all) {
    Counters counters = all.counters;
    counters.memory_bytes = state_->used->load();
    counters.memory_limit = state_->options.memory_bytes;
    counters.used_bytes = 0;
    for (const auto& [object, entry] : all.entries) {
      if (entry.memory != nullptr && entry.memory.use_count() > 1)
        counters.used_bytes += static_cast<std::size_t>(object.bytes);
    }
    return counters;
  });
}

}  // namespace paracord::cluster
