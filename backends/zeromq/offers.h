#pragma once

#include <cstddef>
#include <map>
#include <memory>

#include "paracord/core/guarded.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster {

/// What this process offers to others, counted: the same content may be offered for several
/// reasons, and is withdrawn with the last.
///
/// Threads: any.
class Offers {
 public:
  explicit Offers(DataPlane& plane) : plane_(plane) {}
  void add(const std::shared_ptr<const ObjectTable>& object, const std::byte* data,
           std::shared_ptr<const void> owner);
  /// Returns when nothing of it is being sent any more, if it was the last reason.
  void remove(const ObjectId& object);

 private:
  DataPlane& plane_;
  detail::Guarded<std::map<ObjectId, int>> counts_;
};

}  // namespace paracord::cluster
