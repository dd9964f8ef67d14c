#include "paracord/backends/zeromq/object_store.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
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

std::size_t default_memory() {
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  const std::uint64_t room = detail::room_in("/dev/shm");
  const std::size_t quarter = memory / 4;
  return room == 0 ? quarter : std::min<std::size_t>(quarter, room / 2);
}

std::string default_spill_folder() {
  const char* folder = std::getenv("TMPDIR");
  return folder != nullptr && *folder != '\0' ? folder : "/tmp";
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

struct Entry {
  std::shared_ptr<detail::Buffer> memory;  // null: on the disk
  int spilled = -1;                        // a file without a name
  bool complete = false;
  std::list<ObjectId>::iterator used;  // in the order of use
};

}  // namespace

struct ObjectStore::State {
  explicit State(Options given) : options(std::move(given)), arenas(folders()) {
    if (options.memory_bytes == 0) options.memory_bytes = default_memory();
    if (options.spill_folder.empty()) options.spill_folder = default_spill_folder();
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
    return options.folders.empty() ? detail::temp_folders(std::nullopt) : options.folders;
  }

  // Objects that nobody holds leave the memory until there is room for `bytes`. It is told before
  // their memory goes, under the lock: whoever is told stops showing it to others.
  void make_room(Table& all, std::size_t bytes) {
    for (auto object = all.order.begin();
         object != all.order.end() && all.counters.memory_bytes + bytes > options.memory_bytes;) {
      const ObjectId id = *object++;
      Entry& entry = all.entries.at(id);
      if (entry.memory == nullptr || !entry.complete || entry.memory.use_count() > 1) continue;
      if (told) told(id);
      ++all.counters.evictions;
      if (spill(all, id, entry)) {
        all.counters.memory_bytes -= static_cast<std::size_t>(id.bytes);
        entry.memory.reset();
      } else {
        remove(all, id);
      }
    }
  }

  // To the disk, where it is not there yet and where there is room.
  bool spill(Table& all, const ObjectId& id, Entry& entry) {
    if (entry.spilled >= 0) return true;
    if (all.counters.spilled_bytes + id.bytes > options.spill_bytes) return false;
    const int fd = open(options.spill_folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
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
  Held new_memory(Table& all, const ObjectId& object) {
    make_room(all, static_cast<std::size_t>(object.bytes));
    if (all.counters.memory_bytes + object.bytes > options.memory_bytes) {
      throw BackendUnavailable(
          "the node's object store has no room for " + std::to_string(object.bytes) +
          " bytes: tasks use " + std::to_string(all.counters.memory_bytes) + " of " +
          std::to_string(options.memory_bytes) + "; start the node with a larger --store-memory");
    }
    Held memory = shared_buffer(arenas, static_cast<std::size_t>(object.bytes), false);
    all.counters.memory_bytes += static_cast<std::size_t>(object.bytes);
    return memory;
  }

  void remove(Table& all, const ObjectId& id) {
    const auto found = all.entries.find(id);
    if (found == all.entries.end()) return;
    Entry& entry = found->second;
    if (entry.memory != nullptr) all.counters.memory_bytes -= static_cast<std::size_t>(id.bytes);
    if (entry.spilled >= 0) {
      close(entry.spilled);
      all.counters.spilled_bytes -= static_cast<std::size_t>(id.bytes);
    }
    all.order.erase(entry.used);
    all.entries.erase(found);
    all.counters.objects = all.entries.size();
  }

  Options options;
  detail::ArenaStore arenas;
  detail::Guarded<Table> table;
  std::function<void(const ObjectId&)> told;
};

ObjectStore::ObjectStore(Options options) : state_(std::make_shared<State>(std::move(options))) {}

ObjectStore::~ObjectStore() = default;

ObjectStore::Held ObjectStore::make(const ObjectId& object) {
  return state_->table.with([&](State::Table& all) {
    state_->remove(all, object);
    Held memory = state_->new_memory(all, object);
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
    Held memory = state_->new_memory(all, object);
    if (!read_all(entry.spilled, memory->data, static_cast<std::size_t>(object.bytes))) {
      all.counters.memory_bytes -= static_cast<std::size_t>(object.bytes);
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

ObjectStore::Counters ObjectStore::counters() const {
  return state_->table.with([](State::Table& all) {
    Counters counters = all.counters;
    counters.used_bytes = 0;
    for (const auto& [object, entry] : all.entries) {
      if (entry.memory != nullptr && entry.memory.use_count() > 1)
        counters.used_bytes += static_cast<std::size_t>(object.bytes);
    }
    return counters;
  });
}

}  // namespace paracord::cluster
