#include "paracord/backends/zeromq/offers.h"

#include <algorithm>
#include <utility>

namespace paracord::cluster {

Offers::Offer::Offer(Offer&& other) noexcept
    : offers_(std::exchange(other.offers_, nullptr)),
      object_(other.object_),
      number_(other.number_) {}

Offers::Offer& Offers::Offer::operator=(Offer&& other) noexcept {
  std::swap(offers_, other.offers_);
  std::swap(object_, other.object_);
  std::swap(number_, other.number_);
  return *this;
}

Offers::Offer::~Offer() {
  if (offers_ != nullptr) offers_->remove(object_, number_);
}

// Under the lock, here and below: an offer and a withdrawal of the same object must not overtake
// each other.
Offers::Offer Offers::add(const std::shared_ptr<const ObjectTable>& object, const std::byte* data,
                          std::shared_ptr<const void> owner, const FilePlace& place) {
  return state_.with([&](State& state) {
    std::list<Lying>& places = state.all[object->id].places;
    places.push_back({++state.last_number, object, data, std::move(owner), place});
    if (places.size() == 1) plane_.offer(object, data, places.front().owner, place);
    return Offer(this, object->id, state.last_number);
  });
}

void Offers::close() {
  state_.with([](State& state) { state.closed = true; });
}

void Offers::remove(const ObjectId& object, std::uint64_t number) {
  // Go outside of the lock: an owner's end may take others with it.
  std::list<Lying> gone;
  Content last;
  state_.with([&](State& state) {
    if (state.closed) return;
    const auto found = state.all.find(object);
    std::list<Lying>& places = found->second.places;
    const auto place = std::find_if(places.begin(), places.end(),
                                    [&](const Lying& one) { return one.number == number; });
    const bool was_shown = place == places.begin();
    gone.splice(gone.begin(), places, place);
    if (places.empty()) {
      plane_.withdraw(object);
      last = std::move(found->second);
      state.all.erase(found);
      return;
    }
    if (!was_shown) return;
    const Lying& next = places.front();
    plane_.offer_instead(next.table, next.data, next.owner, next.place);
    if (gone.front().place.fd >= 0) found->second.lingering.push_back(gone.front().owner);
  });
}

}  // namespace paracord::cluster
