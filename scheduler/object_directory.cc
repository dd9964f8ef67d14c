#include "paracord/scheduler/object_directory.h"

#include <algorithm>
#include <utility>

namespace paracord::cluster::scheduling {

namespace {

constexpr std::uint32_t nobody = 0xffffffff;

template <class Holders>
auto place_of(Holders& holders, std::uint32_t node) {
  return std::lower_bound(holders.begin(), holders.end(), node,
                          [](const ObjectDirectory::Holder& holder, std::uint32_t wanted) {
                            return holder.node < wanted;
                          });
}

}  // namespace

const ObjectDirectory::Holder* ObjectDirectory::find(const ObjectId& object,
                                                     std::uint32_t node) const {
  const auto found = objects_.find(object);
  if (found == objects_.end()) return nullptr;
  const auto place = place_of(found->second, node);
  return place == found->second.end() || place->node != node ? nullptr : &*place;
}

ObjectDirectory::Holder* ObjectDirectory::find_mutable(const ObjectId& object, std::uint32_t node) {
  return const_cast<Holder*>(find(object, node));
}

const std::vector<ObjectDirectory::Holder>& ObjectDirectory::holders(const ObjectId& object) const {
  static const std::vector<Holder> nobody_has_it;
  const auto found = objects_.find(object);
  return found == objects_.end() ? nobody_has_it : found->second;
}

ObjectDirectory::Holder& ObjectDirectory::entry(const ObjectId& object, std::uint32_t node) {
  std::vector<Holder>& holders = objects_[object];
  const auto place = place_of(holders, node);
  if (place != holders.end() && place->node == node) return *place;
  return *holders.insert(place, Holder{.node = node});
}

// Its source has room for another one.
void ObjectDirectory::end_fetch(const ObjectId& object, Holder& holder) {
  const std::uint32_t source = std::exchange(holder.source, nobody);
  if (source == nobody) return;
  if (Holder* const from = find_mutable(object, source); from != nullptr && from->fetchers > 0)
    --from->fetchers;
}

bool ObjectDirectory::complete(const ObjectId& object, std::uint32_t node) {
  Holder& holder = entry(object, node);
  end_fetch(object, holder);
  return !std::exchange(holder.is_complete, true);
}

void ObjectDirectory::fetch(const ObjectId& object, std::uint32_t node, std::uint32_t source) {
  Holder& holder = entry(object, node);
  if (holder.is_complete) return;
  end_fetch(object, holder);
  if (source == nobody) return;
  holder.source = source;
  if (Holder* const from = find_mutable(object, source)) ++from->fetchers;
}

bool ObjectDirectory::erase(const ObjectId& object, std::uint32_t node) {
  Holder* const holder = find_mutable(object, node);
  if (holder == nullptr) return false;
  const bool was_complete = holder->is_complete;
  end_fetch(object, *holder);
  const auto found = objects_.find(object);
  found->second.erase(place_of(found->second, node));
  for (Holder& other : found->second) {
    if (other.source == node) other.source = nobody;
  }
  if (found->second.empty()) objects_.erase(found);
  return was_complete;
}

void ObjectDirectory::erase_fetching(const ObjectId& object, std::uint32_t node) {
  const Holder* const holder = find(object, node);
  if (holder != nullptr && !holder->is_complete) erase(object, node);
}

void ObjectDirectory::erase_node(std::uint32_t node) {
  std::vector<ObjectId> its;
  for (const auto& [object, holders] : objects_) {
    if (find(object, node) != nullptr) its.push_back(object);
  }
  for (const ObjectId& object : its) erase(object, node);
}

}  // namespace paracord::cluster::scheduling
