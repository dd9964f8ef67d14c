#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <vector>

#include "paracord/core/guarded.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster {

/// What this process offers to others. The same content may lie in several places, each offered for
/// a reason of its own: others are shown it in one of these as long as any is left.
///
/// Threads: any.
class Offers {
 public:
  explicit Offers(DataPlane& plane) : plane_(plane) {}

  /// One place; taken back when it goes, which returns when nothing is being sent from there.
  class Offer {
   public:
    Offer() = default;
    Offer(Offer&& other) noexcept;
    Offer& operator=(Offer&& other) noexcept;
    ~Offer();
    const ObjectId& object() const { return object_; }

   private:
    friend class Offers;
    Offer(Offers* offers, const ObjectId& object, std::uint64_t number)
        : offers_(offers), object_(object), number_(number) {}
    Offers* offers_ = nullptr;
    ObjectId object_{};
    std::uint64_t number_ = 0;
  };
  /// As DataPlane::offer().
  [[nodiscard]] Offer add(const std::shared_ptr<const ObjectTable>& object, const std::byte* data,
                          std::shared_ptr<const void> owner, const FilePlace& place = {});
  /// Nothing is taken back any more: the plane goes, and all offers with it.
  void close();

 private:
  struct Lying {
    std::uint64_t number;
    std::shared_ptr<const ObjectTable> table;
    const std::byte* data;
    std::shared_ptr<const void> owner;
    FilePlace place;
  };
  struct Content {
    std::list<Lying> places;  // the plane has the first
    // Of places that others may look at, though they are shown no more.
    std::vector<std::shared_ptr<const void>> lingering;
  };
  struct State {
    std::map<ObjectId, Content> all;
    bool closed = false;
    std::uint64_t last_number = 0;
  };
  void remove(const ObjectId& object, std::uint64_t number);
  DataPlane& plane_;
  detail::Guarded<State> state_;
};

}  // namespace paracord::cluster
