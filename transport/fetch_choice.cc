// Fetch: which chunk is asked of whom next.

#include <algorithm>
#include <iterator>

#include "paracord/transport/fetch.h"

namespace paracord::cluster::data {

namespace {

// After so long without any chunk, those who were to fetch the others' parts are taken for slow.
constexpr Time stall = std::chrono::milliseconds(250);

// So long the origin is asked for one chunk at a time, until the others have said what they have.
constexpr Time introductions = std::chrono::milliseconds(100);

// Of the missing chunks, to find the next.
constexpr int most_looked_at = 64;

// Some order that each peer finds for itself, and that no two share.
std::uint64_t scattered(PeerId peer) {
  constexpr std::uint64_t odd = 0x9e3779b97f4a7c15;
  peer = (peer ^ (peer >> 32)) * odd;
  return peer ^ (peer >> 29);
}

}  // namespace

// A chunk that is missing here and that the source has.
const std::uint32_t* Fetch::next_of(Source& source) {
  if (missing_.empty()) return nullptr;
  if (source.all) return &*missing_.begin();
  while (!source.offered.empty() && !missing_.contains(source.offered.front()))
    source.offered.pop_front();
  return source.offered.empty() ? nullptr : &source.offered.front();
}

bool Fetch::ask_others(Time now) {
  PeerId best = 0;
  Source* chosen = nullptr;
  for (auto& [peer, source] : sources_) {
    if (peer == origin_ || source.slow || !setup_.reaches(peer)) continue;
    if (chosen != nullptr && source.asked.size() >= chosen->asked.size()) continue;
    if (next_of(source) == nullptr) continue;
    best = peer;
    chosen = &source;
  }
  if (chosen == nullptr) return false;
  const std::uint32_t chunk = *next_of(*chosen);
  return ask(best, chunk, now);
}

// Who fetches the object, besides this end.
std::set<PeerId> Fetch::parties(Time now) const {
  std::set<PeerId> all;
  for (const auto& [peer, source] : sources_) {
    if (peer != origin_ && !source.slow) all.insert(peer);
  }
  for (const auto& [peer, until] : hoped_for_) {
    if (now < until) all.insert(peer);
  }
  return all;
}

// Of the chunks that nobody but the origin has: the object is divided among those who fetch it.
Fetch::Part Fetch::own_part(Time now) const {
  const std::set<PeerId> others = parties(now);
  const std::uint64_t chunks = count(), sharers = others.size() + 1;
  if (others.empty()) return {static_cast<std::uint32_t>(scattered(setup_.self) % chunks), count()};
  const auto rank =
      static_cast<std::uint64_t>(std::distance(others.begin(), others.lower_bound(setup_.self)));
  const std::uint64_t begin = rank * chunks / sharers, end = (rank + 1) * chunks / sharers;
  return {static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end - begin)};
}

bool Fetch::is_had_by_others(std::uint32_t chunk) const {
  return std::any_of(sources_.begin(), sources_.end(), [&](const auto& entry) {
    const auto& [peer, source] = entry;
    if (peer == origin_ || source.slow || !setup_.reaches(peer)) return false;
    return source.all || (!source.has.empty() && source.has[chunk]);
  });
}

// In [begin, end): the first that is missing and that only the origin has.
std::optional<std::uint32_t> Fetch::only_at_origin(std::uint64_t begin, std::uint64_t end) const {
  auto chunk = missing_.lower_bound(static_cast<std::uint32_t>(begin));
  for (int looked_at = 0; looked_at != most_looked_at; ++looked_at, ++chunk) {
    if (chunk == missing_.end() || *chunk >= end) break;
    if (!is_had_by_others(*chunk)) return *chunk;
  }
  return std::nullopt;
}

// The part may reach beyond the end, and goes on at the beginning then.
std::optional<std::uint32_t> Fetch::missing_in(Part part) const {
  const auto end = std::uint64_t{part.begin} + part.chunks;
  const auto found = only_at_origin(part.begin, std::min<std::uint64_t>(end, count()));
  return found || end <= count() ? found : only_at_origin(0, end - count());
}

// Where its owner comes last: before the own part.
std::optional<std::uint32_t> Fetch::last_missing_outside(Part part) const {
  if (missing_.empty()) return std::nullopt;
  auto chunk = missing_.lower_bound(part.begin);
  for (int looked_at = 0; looked_at != most_looked_at; ++looked_at) {
    if (chunk == missing_.begin()) chunk = missing_.end();
    --chunk;
    if (!is_had_by_others(*chunk)) return *chunk;
  }
  return std::nullopt;
}

// What the others are about to fetch would be sent twice.
bool Fetch::may_take_of_others(Time now) const {
  if (now - progress_ > stall) return true;
  std::size_t theirs = parties(now).size() * setup_.window_chunks;
  for (const auto& [peer, source] : sources_) theirs += source.offered.size();
  return missing_.size() > theirs;
}

// The origin; without it, whoever has been slow.
PeerId Fetch::last_resort() const {
  PeerId best = 0;
  const auto rank = [this](PeerId peer) {
    const Source& source = sources_.at(peer);
    return std::pair(source.slow, source.asked.size());
  };
  for (const auto& [peer, source] : sources_) {
    if ((peer != origin_ && !source.slow) || !setup_.reaches(peer)) continue;
    if (!source.all && source.offered.empty()) continue;
    if (best == 0 || rank(peer) < rank(best)) best = peer;
  }
  return best;
}

// What they have, the origin need not send. They say so soon, if they can be reached at all.
bool Fetch::knows_others(Time now) const {
  if (now - began_ > introductions) return true;
  return std::all_of(sources_.begin(), sources_.end(), [this](const auto& entry) {
    return entry.first == origin_ || entry.second.answered;
  });
}

// Before all others are asked: what nobody else will fetch from there.
bool Fetch::ask_own_part(Time now) {
  const auto origin = sources_.find(origin_);
  if (origin == sources_.end() || !origin->second.all || origin->second.slow) return false;
  const auto share = knows_others(now) ? std::max(setup_.window_chunks / 4, 1u) : 1u;
  if (origin->second.asked.size() >= share) return false;
  if (!setup_.reaches(origin_)) return false;
  for (const auto& [peer, source] : sources_) {
    if (peer != origin_ && source.all && !source.slow) return false;
  }
  const auto chunk = missing_in(own_part(now));
  return chunk && ask(origin_, *chunk, now);
}

bool Fetch::ask_origin(Time now) {
  const PeerId peer = last_resort();
  if (peer == 0) return false;
  Source& source = sources_.at(peer);
  if (!source.all) {
    const std::uint32_t* chunk = next_of(source);
    return chunk != nullptr && ask(peer, std::uint32_t{*chunk}, now);
  }
  if (!source.asked.empty() && !knows_others(now)) return false;
  const Part part = own_part(now);
  if (const auto chunk = missing_in(part)) return ask(peer, *chunk, now);
  if (!source.asked.empty() || !may_take_of_others(now)) return false;
  std::optional<std::uint32_t> chunk = last_missing_outside(part);
  // Others have all of it, and none of them comes to send it.
  if (!chunk && now - progress_ > stall && !missing_.empty()) chunk = *missing_.begin();
  return chunk && ask(peer, *chunk, now);
}

}  // namespace paracord::cluster::data
