#pragma once

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster::scheduling {

struct ObjectHash {
  std::size_t operator()(const ObjectId& object) const {
    return object.digest[0] ^ (object.digest[1] * 0x9e3779b97f4a7c15u) ^ object.bytes;
  }
};
struct AttemptHash {
  std::size_t operator()(const Attempt& attempt) const {
    return (attempt.counter * 0x9e3779b97f4a7c15u) ^ attempt.epoch;
  }
};

/// Which nodes hold which objects, or fetch them.
class ObjectDirectory {
 public:
  struct Holder {
    std::uint32_t node = 0;
    bool is_complete = false;
    std::uint32_t fetchers = 0;  ///< nodes that were sent here
    std::uint32_t source = 0xffffffff;
  };

  /// Whether it was not known to be there.
  bool complete(const ObjectId& object, std::uint32_t node);
  /// `source`: the node that it fetches from first; none: the client.
  void fetch(const ObjectId& object, std::uint32_t node, std::uint32_t source);
  /// Whether it was complete there.
  bool erase(const ObjectId& object, std::uint32_t node);
  /// A fetch that came to nothing.
  void erase_fetching(const ObjectId& object, std::uint32_t node);
  const Holder* find(const ObjectId& object, std::uint32_t node) const;
  /// In the order of their indexes; empty: nobody has it.
  const std::vector<Holder>& holders(const ObjectId& object) const;
  std::size_t size() const { return objects_.size(); }
  /// Of everything that the node holds or fetches.
  void erase_node(std::uint32_t node);

 private:
  Holder* find_mutable(const ObjectId& object, std::uint32_t node);
  Holder& entry(const ObjectId& object, std::uint32_t node);
  void end_fetch(const ObjectId& object, Holder& holder);

  std::unordered_map<ObjectId, std::vector<Holder>, ObjectHash> objects_;
};

}  // namespace paracord::cluster::scheduling
