#include "paracord/memmap/arena.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include "paracord/core/errors.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {

namespace {

constexpr std::size_t page = 4096;
constexpr std::size_t usual_arena_bytes = std::size_t{256} << 20;
constexpr std::size_t largest_most_free = std::size_t{4} << 30;

std::size_t default_most_free() {
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(memory / 8, largest_most_free);
}

[[noreturn]] void no_room(std::size_t bytes, const char* what) {
  throw BackendUnavailable("shared memory: " + std::string(what) + " " + std::to_string(bytes) +
                           " bytes failed: " + std::strerror(errno) +
                           "; free some, or name a folder on disk with temp_folder");
}

}  // namespace

std::uint32_t next_file_number() {
  static std::atomic<std::uint32_t> last{0};
  return ++last;
}

Arena::Arena(int fd, std::size_t bytes) : number(next_file_number()), fd(fd), bytes(bytes) {
  void* mapped = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    close(fd);
    no_room(bytes, "mapping");
  }
  base = static_cast<std::byte*>(mapped);
}

Arena::~Arena() {
  munmap(base, bytes);
  close(fd);
}

ArenaStore::ArenaStore(std::vector<std::string> folders)
    : state_(std::make_shared<Guarded<State>>()) {
  state_->with([&](State& state) {
    state.folders = std::move(folders);
    state.most_free = default_most_free();
  });
}

void ArenaStore::set_most_free(std::size_t bytes) {
  state_->with([&](State& state) {
    state.most_free = bytes;
    trim(state);
  });
}

// The smallest piece that is large enough, used pages before new ones.
std::optional<ArenaStore::Found> ArenaStore::find(State& state, std::size_t bytes) {
  Place* best_place = nullptr;
  std::map<std::size_t, Piece>::iterator best;
  const auto better = [&](const Piece& piece) {
    if (piece.bytes < bytes) return false;
    if (best_place == nullptr) return true;
    if (piece.has_pages != best->second.has_pages) return piece.has_pages;
    return piece.bytes < best->second.bytes;
  };
  for (const auto& place : state.places) {
    for (auto piece = place->free.begin(); piece != place->free.end(); ++piece) {
      if (!better(piece->second)) continue;
      best_place = place.get();
      best = piece;
    }
  }
  if (best_place == nullptr) return std::nullopt;
  const auto [offset, piece] = *best;
  best_place->free.erase(best);
  if (piece.bytes > bytes)
    best_place->free.emplace(offset + bytes, Piece{piece.bytes - bytes, piece.has_pages});
  if (piece.has_pages) state.free_with_pages -= bytes;
  return Found{{best_place->arena, offset, bytes}, piece.has_pages};
}

ArenaStore::Found ArenaStore::take(std::size_t bytes) {
  bytes = (std::max<std::size_t>(bytes, 1) + page - 1) / page * page;
  return state_->with([&](State& state) {
    if (auto found = find(state, bytes)) return *std::move(found);
    const std::size_t size = std::max(bytes, usual_arena_bytes);
    auto place = std::make_unique<Place>();
    place->arena = std::make_shared<Arena>(make_nameless_file(state.folders, size, bytes), size);
    place->free.emplace(0, Piece{size, false});
    state.places.push_back(std::move(place));
    return *find(state, bytes);
  });
}

ArenaStore::Lease ArenaStore::lease(Stretch stretch) {
  struct Owned : Stretch {
    Owned(Stretch stretch, std::shared_ptr<Guarded<State>> state)
        : Stretch(std::move(stretch)), state(std::move(state)) {}
    ~Owned() {
      state->with([this](State& store) { give_back(store, *this); });
    }
    std::shared_ptr<Guarded<State>> state;
  };
  return std::make_shared<Owned>(std::move(stretch), state_);
}

ArenaStore::Lease ArenaStore::allocate(std::size_t bytes) {
  Found found = take(bytes);
  const Stretch& stretch = found.stretch;
  const auto offset = static_cast<off_t>(stretch.offset);
  const auto length = static_cast<off_t>(stretch.bytes);
  Lease kept = lease(stretch);
  if (!found.has_pages) {
    if (const int error = posix_fallocate(stretch.arena->fd, offset, length); error != 0) {
      errno = error;
      no_room(bytes, "reserving");
    }
  }
  return kept;
}

ArenaStore::Lease ArenaStore::store(const void* data, std::size_t bytes) {
  const Found found = take(bytes);
  Lease kept = lease(found.stretch);
  // write() makes new pages without clearing them first, and needs no page table for used ones.
  std::size_t done = 0;
  while (done != bytes) {
    const ssize_t written =
        pwrite(found.stretch.arena->fd, static_cast<const std::byte*>(data) + done, bytes - done,
               static_cast<off_t>(found.stretch.offset + done));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) no_room(bytes, "writing");
    done += static_cast<std::size_t>(written);
  }
  return kept;
}

void ArenaStore::merge(Place& place, std::size_t offset) {
  auto piece = place.free.find(offset);
  const auto joins = [](const auto& left, const auto& right) {
    return left->first + left->second.bytes == right->first &&
           left->second.has_pages == right->second.has_pages;
  };
  if (const auto next = std::next(piece); next != place.free.end() && joins(piece, next)) {
    piece->second.bytes += next->second.bytes;
    place.free.erase(next);
  }
  if (piece == place.free.begin()) return;
  if (const auto before = std::prev(piece); joins(before, piece)) {
    before->second.bytes += piece->second.bytes;
    place.free.erase(piece);
  }
}

void ArenaStore::give_back(State& state, const Stretch& stretch) {
  for (const auto& place : state.places) {
    if (place->arena != stretch.arena) continue;
    place->free.emplace(stretch.offset, Piece{stretch.bytes, true});
    merge(*place, stretch.offset);
    state.free_with_pages += stretch.bytes;
    return trim(state);
  }
}

// Pages that nobody uses go back to the system, whole pieces at a time.
void ArenaStore::trim(State& state) {
  for (auto place = state.places.begin();
       place != state.places.end() && state.free_with_pages > state.most_free;) {
    std::map<std::size_t, Piece>& free = (*place)->free;
    for (auto piece = free.begin(); piece != free.end();) {
      const auto [offset, bytes] = std::pair(piece->first, piece->second.bytes);
      const bool trimmed = piece->second.has_pages && state.free_with_pages > state.most_free;
      if (trimmed) {
        (void)fallocate((*place)->arena->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                        static_cast<off_t>(offset), static_cast<off_t>(bytes));
        piece->second.has_pages = false;
        state.free_with_pages -= bytes;
        merge(**place, offset);
      }
      piece = free.upper_bound(offset);
    }
    const bool empty = free.size() == 1 && free.begin()->second.bytes == (*place)->arena->bytes &&
                       !free.begin()->second.has_pages;
    place = empty ? state.places.erase(place) : std::next(place);
  }
}

}  // namespace paracord::detail
