#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "paracord/core/guarded.h"
#include "paracord/memmap/arena.h"
#include "paracord/memmap/page_mapper.h"

namespace paracord::detail {

/// Gives out shared memory, and takes it back for the next who wants some: pages that are there
/// already are filled ten times faster than new ones.
///
/// Threads: any.
/// Errors: BackendUnavailable where no folder has room; never a SIGBUS later.
class ArenaStore {
 public:
  explicit ArenaStore(std::vector<std::string> folders);

  /// A stretch of shared memory; goes back to the store with its last owner.
  struct Stretch {
    std::shared_ptr<Arena> arena;
    std::size_t offset = 0, bytes = 0;
    std::byte* data() const { return arena->base + offset; }
  };
  using Lease = std::shared_ptr<const Stretch>;

  /// `bytes` at a multiple of 4096, whose pages exist: writing to them cannot fail.
  Lease allocate(std::size_t bytes);
  /// The same, filled from `data`: by the way that is fastest for new and for used pages.
  Lease store(const void* data, std::size_t bytes);

  /// Gives back what lies behind the first `bytes` of a lease that has one owner.
  static void cut(const Lease& lease, std::size_t bytes);

  /// The same, to be filled part by part: pages that are not there yet come with fill(). What has
  /// not been filled must not be looked at.
  Lease allocate_to_fill(std::size_t bytes);
  /// Copies to a place in such a lease, to each place once. An error number, 0 if it is done;
  /// ENOSPC: the folder is full, and the next lease will be had from another one.
  static int fill(const Lease& lease, std::size_t offset, const void* data, std::size_t bytes);

  /// Gives the pages of free memory beyond this back to the system. Default: an eighth of the
  /// machine's memory, and 4 GiB at most.
  void set_most_free(std::size_t bytes);

 private:
  struct Piece {
    std::size_t bytes;
    bool has_pages;
  };
  struct Place {
    std::shared_ptr<Arena> arena;
    std::map<std::size_t, Piece> free;  // by offset; neighbours of one kind are merged
    bool full = false;                  // the folder has had no room for more pages
  };
  struct State {
    std::vector<std::unique_ptr<Place>> places;
    std::vector<std::string> folders;
    std::size_t most_free, free_with_pages = 0;
  };
  struct Found {
    Stretch stretch;
    bool has_pages;
  };
  Found take(std::size_t bytes);
  template <class MakePages>
  Lease take_with_pages(std::size_t bytes, MakePages make_pages);
  struct Owned;
  static void give_back(State& state, const Owned& owned, std::size_t offset, std::size_t bytes);
  static void merge(Place& place, std::size_t offset);
  static std::optional<Found> find(State& state, std::size_t bytes);
  static bool is_empty(const Place& place);
  static void trim(State& state);

  std::shared_ptr<Guarded<State>> state_;  // shared with the leases, which may outlive the store
  PageMapper page_mapper_;
};

}  // namespace paracord::detail
