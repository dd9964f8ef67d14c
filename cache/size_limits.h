#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "paracord/cache/store_backend.h"
#include "paracord/core/options.h"

namespace paracord {

/// How much a cache may hold; what was used least recently goes first.
struct SizeLimits {
  std::optional<std::uint64_t> bytes{};
  std::optional<std::uint64_t> items{};
  std::optional<Seconds> age{};  ///< since the last use

  bool any() const { return bytes || items || age; }
};

namespace detail {

/// The entries that have to go. Throws std::invalid_argument for a negative age.
std::vector<ItemInfo> choose_items_to_erase(std::vector<ItemInfo> items, const SizeLimits& limits,
                                            std::chrono::system_clock::time_point now);

/// Erases what is over the limits; returns what was.
std::vector<ItemInfo> reduce_size(StoreBackend& store, const SizeLimits& limits);

}  // namespace detail
}  // namespace paracord
