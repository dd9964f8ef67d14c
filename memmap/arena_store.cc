#include "paracord/memmap/arena_store.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <utility>

#include "paracord/core/errors.h"
#include "paracord/core/huge_pages.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {

namespace {

constexpr std::size_t usual_arena_bytes = std::size_t{256} << 20;
constexpr std::size_t largest_most_free = std::size_t{4} << 30;
constexpr int most_attempts = 4;

std::size_t whole_pages(std::size_t bytes) {
  return (std::max<std::size_t>(bytes, 1) + page_bytes - 1) / page_bytes * page_bytes;
}

std::size_t default_most_free() {
  const auto memory = static_cast<std::size_t>(sysconf(_SC_PHYS_PAGES)) *
                      static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return std::min(memory / 8, largest_most_free);
}

// Larger than what is wanted now, unless addresses are scarce or files must be small.
std::shared_ptr<Arena> new_arena(const std::vector<std::string>& folders, std::size_t bytes) {
  const auto of_size = [&](std::size_t size) {
    return std::make_shared<Arena>(make_nameless_file(folders, size, bytes), size);
  };
  if (bytes >= usual_arena_bytes) return of_size(bytes);
  try {
    return of_size(usual_arena_bytes);
  } catch (const BackendUnavailable&) {
    return of_size(bytes);
  }
}

}  // namespace

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
      if (place->full && !piece->second.has_pages) continue;
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
  bytes = whole_pages(bytes);
  const Found found = state_->with([&](State& state) {
    if (auto free = find(state, bytes)) return *std::move(free);
    auto place = std::make_unique<Place>();
    place->arena = new_arena(state.folders, bytes);
    place->free.emplace(0, Piece{place->arena->bytes, false});
    state.places.push_back(std::move(place));
    return *find(state, bytes);
  });
  found.stretch.arena->unpoison(found.stretch.offset, found.stretch.bytes);
  return found;
}

struct ArenaStore::Owned : Stretch {
  Owned(Found found, std::shared_ptr<Guarded<State>> from)
      : Stretch(std::move(found.stretch)), has_pages(found.has_pages), state(std::move(from)) {}
  Owned(const Owned&) = delete;
  ~Owned() {
    has_pages = has_pages || filled.load() == bytes_to_fill;
    if (has_pages) {
      arena->poison(offset, bytes);
    } else {
      arena->drop(offset, bytes);  // some may have been made before room ran out
    }
    state->with([this](State& store) { give_back(store, *this, offset, bytes); });
  }
  // Its pages exist.
  void cut(std::size_t kept) {
    const std::size_t end = offset + kept, rest = bytes - kept;
    if (rest == 0) return;
    bytes = kept;
    arena->poison(end, rest);
    state->with([&](State& store) { give_back(store, *this, end, rest); });
  }
  bool has_pages;
  std::size_t bytes_to_fill = never;
  mutable std::atomic<std::size_t> filled{0};
  mutable std::atomic<bool> no_room{false};
  const std::shared_ptr<Guarded<State>> state;

 private:
  static constexpr std::size_t never = static_cast<std::size_t>(-1);
};

// `make_pages` returns an error number, or 0. An arena is larger than the room that it was made
// for, and others use its folder: where that is full, another arena may find room in another
// folder.
template <class MakePages>
ArenaStore::Lease ArenaStore::take_with_pages(std::size_t bytes, MakePages make_pages) {
  for (int attempt = 1;; ++attempt) {
    const auto owned = std::make_shared<Owned>(take(bytes), state_);
    const int error = make_pages(*owned);
    owned->has_pages = owned->has_pages || error == 0;
    if (error == 0) return owned;
    owned->no_room.store(true);
    if (error != ENOSPC || attempt == most_attempts)
      refuse_shared_memory(bytes, "reserving", error);
  }
}

ArenaStore::Lease ArenaStore::allocate(std::size_t bytes) {
  return take_with_pages(bytes, [](const Owned& owned) {
    return owned.has_pages ? 0 : owned.arena->reserve(owned.offset, owned.bytes);
  });
}

ArenaStore::Lease ArenaStore::store(const void* data, std::size_t bytes) {
  const Lease stored = take_with_pages(bytes, [&](const Owned& owned) {
    return owned.arena->write(owned.offset, data, bytes, owned.has_pages);
  });
  page_mapper_.add(stored->arena, stored->offset, bytes);
  return stored;
}

ArenaStore::Lease ArenaStore::allocate_to_fill(std::size_t bytes) {
  auto owned = std::make_shared<Owned>(take(bytes), state_);
  owned->bytes_to_fill = bytes;
  return owned;
}

int ArenaStore::fill(const Lease& lease, std::size_t offset, const void* data, std::size_t bytes) {
  const auto& owned = static_cast<const Owned&>(*lease);
  const int error = owned.arena->write(owned.offset + offset, data, bytes, owned.has_pages);
  if (error == 0) {
    owned.filled.fetch_add(bytes);
  } else {
    owned.no_room.store(true);
  }
  return error;
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

void ArenaStore::cut(const Lease& lease, std::size_t bytes) {
  const_cast<Owned&>(static_cast<const Owned&>(*lease)).cut(whole_pages(bytes));
}

void ArenaStore::give_back(State& state, const Owned& owned, std::size_t offset,
                           std::size_t bytes) {
  for (const auto& place : state.places) {
    if (place->arena != owned.arena) continue;
    place->free.emplace(offset, Piece{bytes, owned.has_pages});
    place->full = place->full || owned.no_room.load();
    merge(*place, offset);
    if (owned.has_pages) state.free_with_pages += bytes;
    std::erase_if(state.places, [](const auto& each) { return each->full && is_empty(*each); });
    return trim(state);
  }
}

bool ArenaStore::is_empty(const Place& place) {
  return place.free.size() == 1 && place.free.begin()->second.bytes == place.arena->bytes &&
         !place.free.begin()->second.has_pages;
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
        (*place)->arena->drop(offset, bytes);
        piece->second.has_pages = false;
        state.free_with_pages -= bytes;
        merge(**place, offset);
      }
      piece = free.upper_bound(offset);
    }
    place = is_empty(**place) ? state.places.erase(place) : std::next(place);
  }
}

}  // namespace paracord::detail
