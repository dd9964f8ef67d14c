#include "paracord/backends/zeromq/offers.h"

namespace paracord::cluster {

// Under the lock: an offer and a withdrawal of the same object must not overtake each other.
void Offers::add(const std::shared_ptr<const ObjectTable>& object, const std::byte* data,
                 std::shared_ptr<const void> owner) {
  counts_.with([&](std::map<ObjectId, int>& counts) {
    if (counts[object->id]++ == 0) plane_.offer(object, data, std::move(owner));
  });
}

void Offers::remove(const ObjectId& object) {
  counts_.with([&](std::map<ObjectId, int>& counts) {
    const auto found = counts.find(object);
    if (found == counts.end() || --found->second != 0) return;
    counts.erase(found);
    plane_.withdraw(object);
  });
}

}  // namespace paracord::cluster
