#include "paracord/cache/size_limits.h"

#include <algorithm>
#include <stdexcept>
#include <tuple>

namespace paracord::detail {

std::vector<ItemInfo> choose_items_to_erase(std::vector<ItemInfo> items, const SizeLimits& limits,
                                            std::chrono::system_clock::time_point now) {
  if (limits.age && limits.age->count() < 0) {
    throw std::invalid_argument("an age limit of " + std::to_string(limits.age->count()) +
                                " s: an age is not negative");
  }
  std::sort(items.begin(), items.end(), [](const ItemInfo& a, const ItemInfo& b) {
    return std::tie(a.last_used, a.name.function, a.name.key) <
           std::tie(b.last_used, b.name.function, b.name.key);
  });
  std::uint64_t bytes = 0;
  for (const ItemInfo& item : items) bytes += item.bytes;
  std::size_t erased = 0;
  for (; erased != items.size(); ++erased) {
    const bool many = limits.items && items.size() - erased > *limits.items;
    const bool large = limits.bytes && bytes > *limits.bytes;
    const bool old = limits.age && now - items[erased].last_used > *limits.age;
    if (!many && !large && !old) break;
    bytes -= items[erased].bytes;
  }
  items.resize(erased);
  return items;
}

std::vector<ItemInfo> reduce_size(StoreBackend& store, const SizeLimits& limits) {
  if (!limits.any()) return {};
  auto items = choose_items_to_erase(store.items(), limits, std::chrono::system_clock::now());
  for (const ItemInfo& item : items) store.erase(item.name);
  return items;
}

}  // namespace paracord::detail
