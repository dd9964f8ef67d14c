#include "paracord/transport/fetch.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace paracord::cluster::data {

namespace {

// So often may all sources be silent before the object counts as lost.
constexpr int most_silences = 12;
// A source that goes on being silent is asked again less and less often.
constexpr int most_doublings = 4;

// Those who are to fetch an object together are not told so at the same moment.
constexpr Time hope = std::chrono::milliseconds(500);

ObjectId id_of_nothing() {
  return name_object({})->id;
}

}  // namespace

Fetch::Fetch(Setup setup, Time now) : setup_(std::move(setup)), began_(now), progress_(now) {
  arriving_.id = setup_.object;
  if (!setup_.sources.empty()) origin_ = setup_.sources.front();
  for (const PeerId peer : setup_.sources) add_source(peer, now);
  if (setup_.object.bytes == 0 && setup_.object == id_of_nothing()) {
    table_ = std::make_shared<const ObjectTable>(arriving_);
    state_ = State::done;
  } else if (sources_.empty()) {
    trouble_ = "no source was named";
    state_ = State::lost;
  }
}

Status Fetch::failure() const {
  if (no_room_ != 0) {
    return Status(StatusCode::unavailable, "an object of " + std::to_string(setup_.object.bytes) +
                                               " bytes finds no room: " + std::strerror(no_room_));
  }
  return nobody_has(setup_.object, trouble_);
}

Status nobody_has(const ObjectId& object, const std::string& trouble) {
  return Status(StatusCode::lost, "an object of " + std::to_string(object.bytes) +
                                      " bytes can be had of nobody any more" +
                                      (trouble.empty() ? "" : ": " + trouble));
}

void Fetch::add_source(PeerId peer, Time now) {
  if (peer == setup_.self || refused_.contains(peer) || sources_.contains(peer)) return;
  sources_[peer].heard = now;
}

void Fetch::source_connected(PeerId peer, Time now) {
  const auto found = sources_.find(peer);
  if (found == sources_.end()) return;
  source_lost(peer);
  found->second.slow = false;
  found->second.silences = 0;
  found->second.heard = now;
}

void Fetch::source_lost(PeerId peer) {
  const auto found = sources_.find(peer);
  if (found == sources_.end()) return;
  Source& source = found->second;
  for (const std::uint32_t chunk : std::exchange(source.asked, {})) {
    --in_flight_;
    miss(chunk);
  }
  source.asked_table = false;
  if (table_from_ == peer) {
    table_from_ = 0;
    arriving_.chunks.clear();
  }
}

void Fetch::source_gone(PeerId peer, const std::string& why) {
  if (!sources_.contains(peer)) return;
  source_lost(peer);
  sources_.erase(peer);
  if (!why.empty()) trouble_ = why;
  if (sources_.empty() && state_ == State::running) state_ = State::lost;
}

void Fetch::source_cannot(PeerId peer, const std::string& why, Time now) {
  if (sources_.contains(peer)) hoped_for_[peer] = now + hope;
  source_gone(peer, why);
}

void Fetch::refuse(PeerId peer, const std::string& why) {
  refused_.insert(peer);
  source_gone(peer, why);
}

void Fetch::take_table(PeerId from, const TablePart& part, Time now) {
  const auto source = sources_.find(from);
  if (source == sources_.end()) return;
  source->second.heard = now;
  source->second.answered = true;
  if (table_ != nullptr) return;
  if (table_from_ == 0 && part.first == 0) table_from_ = from;
  if (table_from_ != from || part.first != arriving_.chunks.size()) return;
  arriving_.chunks.insert(arriving_.chunks.end(), part.digests.begin(), part.digests.end());
  const auto so_far = static_cast<std::uint32_t>(arriving_.chunks.size());
  if (so_far != count_chunks(setup_.object)) {
    if (part.digests.empty()) return refuse(from, "a source has sent an empty table");
    (void)setup_.send(from, AskTable{setup_.object, so_far});
    return;
  }
  if (!arriving_.is_consistent())
    return refuse(from, "a source has sent a table that is not the object's");
  begin_chunks();
}

void Fetch::begin_chunks() {
  table_ = std::make_shared<const ObjectTable>(std::move(arriving_));
  has_.assign(table_->chunks.size(), false);
  left_ = count();
  for (std::uint32_t i = 0; i != left_; ++i) missing_.insert(missing_.end(), i);
  for (auto& [peer, source] : sources_) hear_of(source, std::exchange(source.early, {}));
  if (left_ == 0) state_ = State::done;
}

void Fetch::take_have(PeerId from, const Have& have) {
  const auto found = sources_.find(from);
  if (found == sources_.end()) return;
  Source& source = found->second;
  source.answered = true;
  source.all = source.all || have.all;
  if (table_ != nullptr) {
    hear_of(source, have.chunks);
  } else if (source.early.size() + have.chunks.size() <= count_chunks(setup_.object)) {
    source.early.insert(source.early.end(), have.chunks.begin(), have.chunks.end());
  }
}

void Fetch::hear_of(Source& source, const std::vector<std::uint32_t>& chunks) {
  if (source.all) {
    source.offered.clear();
    return;
  }
  source.has.resize(has_.size());
  for (const std::uint32_t chunk : chunks) {
    if (source.has[chunk]) continue;
    source.has[chunk] = true;
    if (!has_[chunk]) source.offered.push_back(chunk);
  }
}

// It is to be asked for, again.
void Fetch::miss(std::uint32_t chunk) {
  if (has_[chunk] || !missing_.insert(chunk).second) return;
  for (auto& [peer, source] : sources_) {
    if (!source.all && !source.has.empty() && source.has[chunk]) source.offered.push_back(chunk);
  }
}

bool Fetch::take_chunk(PeerId from, const Chunk& chunk, Time now) {
  const auto source = sources_.find(from);
  if (table_ == nullptr || source == sources_.end()) return false;
  if (source->second.asked.erase(chunk.index) != 0) --in_flight_;
  source->second.heard = now;
  source->second.slow = false;
  source->second.silences = 0;
  if (has_[chunk.index]) return true;
  if (digest_of(chunk.bytes) != table_->chunks[chunk.index]) {
    miss(chunk.index);
    refuse(from, "a source has sent other bytes than the object's");
    return false;
  }
  missing_.erase(chunk.index);
  if (!put(chunk)) return true;
  has_[chunk.index] = true;
  fresh_.push_back(chunk.index);
  progress_ = now;
  if (--left_ == 0) state_ = State::done;
  return true;
}

bool Fetch::put(const Chunk& chunk) {
  const std::size_t offset = std::size_t{chunk.index} * chunk_bytes;
  const DataPlane::Destination& destination = setup_.destination;
  if (destination.fill != nullptr) {
    no_room_ = destination.fill(offset, chunk.bytes);
  } else {
    std::memcpy(destination.data + offset, chunk.bytes.data(), chunk.bytes.size());
  }
  if (no_room_ != 0) state_ = State::lost;
  return no_room_ == 0;
}

void Fetch::find_silent(Time now) {
  std::vector<PeerId> silent;
  for (auto& [peer, source] : sources_) {
    const bool waits = !source.asked.empty() || (table_ == nullptr && source.asked_table);
    const Time patience = setup_.silence * (1 << std::min(source.silences, most_doublings));
    if (waits && now - source.heard > patience) silent.push_back(peer);
  }
  for (const PeerId peer : silent) {
    source_lost(peer);
    Source& source = sources_[peer];
    source.slow = true;
    ++source.silences;
    source.heard = now;
  }
  if (now - progress_ <= most_silences * setup_.silence) return;
  if (trouble_.empty()) trouble_ = "its sources do not answer";
  state_ = State::lost;
}

// Of all: whoever answers says which chunks it has, from then on.
void Fetch::ask_tables(Time now) {
  for (auto& [peer, source] : sources_) {
    if (source.asked_table || !setup_.reaches(peer)) continue;
    source.asked_table = setup_.send(peer, AskTable{setup_.object, 0});
    source.heard = now;
  }
}

bool Fetch::ask(PeerId peer, std::uint32_t chunk, Time now) {
  if (!setup_.send(peer, Want{setup_.object, {chunk}})) return false;
  Source& source = sources_[peer];
  if (source.asked.empty()) source.heard = now;
  missing_.erase(chunk);
  source.asked.insert(chunk);
  ++in_flight_;
  return true;
}

void Fetch::pump(Time now) {
  if (state_ != State::running) return;
  find_silent(now);
  if (state_ != State::running) return;
  ask_tables(now);
  if (table_ == nullptr) return;
  while (in_flight_ < setup_.window_chunks && !missing_.empty()) {
    if (!ask_own_part(now) && !ask_others(now) && !ask_origin(now)) return;
  }
}

void Fetch::tell_listeners() {
  if (fresh_.empty()) return;
  const std::vector<std::uint32_t> chunks = std::exchange(fresh_, {});
  for (const PeerId peer : listeners_) {
    for (std::size_t at = 0; at < chunks.size(); at += longest_list) {
      const auto end = chunks.begin() + std::min(chunks.size(), at + longest_list);
      (void)setup_.send(peer, Have{setup_.object, false, {chunks.begin() + at, end}});
    }
  }
}

void Fetch::tell_all_chunks(PeerId listener) const {
  Have have{setup_.object, false, {}};
  for (std::uint32_t i = 0; i != count(); ++i) {
    if (has_[i]) have.chunks.push_back(i);
    if (have.chunks.size() != longest_list && i + 1 != count()) continue;
    (void)setup_.send(listener, have);
    have.chunks.clear();
  }
}

}  // namespace paracord::cluster::data
