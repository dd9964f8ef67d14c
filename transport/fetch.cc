#include "paracord/transport/fetch.h"

#include <algorithm>
#include <cstring>

namespace paracord::cluster::data {

namespace {

// So often may all sources be silent before the object counts as lost.
constexpr int most_silences = 12;

}  // namespace

Fetch::Fetch(const ObjectId& object, std::byte* destination, std::shared_ptr<void> owner,
             std::vector<PeerId> sources, std::uint32_t window_chunks,
             DataPlane::OnFetched on_fetched, Time now)
    : object_(object),
      destination_(destination),
      owner_(std::move(owner)),
      window_(std::max(window_chunks, 1u)),
      on_fetched_(std::move(on_fetched)),
      progress_(now) {
  if (!sources.empty()) origin_ = sources.front();
  for (const PeerId peer : sources) sources_[peer].heard = now;
  if (sources_.empty()) state_ = State::lost;
}

void Fetch::add_source(PeerId peer) {
  if (!sources_.contains(peer)) sources_[peer].heard = progress_;
}

void Fetch::source_connected(PeerId peer) {
  const auto found = sources_.find(peer);
  if (found == sources_.end()) return;
  found->second.asked_table = false;
  found->second.slow = false;
}

void Fetch::source_lost(PeerId peer) {
  const auto found = sources_.find(peer);
  if (found == sources_.end()) return;
  for (const std::uint32_t chunk : std::exchange(found->second.asked, {})) {
    --in_flight_;
    if (!has_[chunk]) missing_.insert(chunk);
  }
  found->second.asked_table = false;
}

void Fetch::source_gone(PeerId peer) {
  source_lost(peer);
  sources_.erase(peer);
  if (sources_.empty() && state_ == State::running) state_ = State::lost;
}

void Fetch::take_table(PeerId from, const ObjectTable& table) {
  if (table_ != nullptr || table.id != object_) return;
  if (!table.is_consistent()) return source_gone(from);
  table_ = std::make_shared<const ObjectTable>(table);
  has_.assign(table.chunks.size(), false);
  left_ = static_cast<std::uint32_t>(table.chunks.size());
  for (std::uint32_t i = 0; i != left_; ++i) missing_.insert(missing_.end(), i);
  if (left_ == 0) state_ = State::done;
}

bool Fetch::take_chunk(PeerId from, const Chunk& chunk, Time now) {
  const auto source = sources_.find(from);
  if (table_ == nullptr || source == sources_.end()) return false;
  if (source->second.asked.erase(chunk.index) != 0) --in_flight_;
  source->second.heard = now;
  source->second.slow = false;
  if (has_[chunk.index]) return true;
  if (digest_of(chunk.bytes) != table_->chunks[chunk.index]) {
    missing_.insert(chunk.index);
    source_gone(from);
    return false;
  }
  std::memcpy(destination_ + std::size_t{chunk.index} * chunk_bytes, chunk.bytes.data(),
              chunk.bytes.size());
  missing_.erase(chunk.index);
  has_[chunk.index] = true;
  progress_ = now;
  if (--left_ == 0) state_ = State::done;
  return true;
}

PeerId Fetch::choose(const std::function<bool(PeerId)>& reaches) {
  PeerId best = 0;
  int best_rank = 0;
  std::size_t best_asked = 0;
  for (const auto& [peer, source] : sources_) {
    if (!reaches(peer)) continue;
    const int rank = source.slow ? 2 : peer == origin_ ? 1 : 0;
    if (best != 0 && (rank > best_rank || (rank == best_rank && source.asked.size() >= best_asked)))
      continue;
    best = peer;
    best_rank = rank;
    best_asked = source.asked.size();
  }
  return best;
}

void Fetch::ask_table(const std::function<bool(PeerId)>& reaches, const Send& send, Time now) {
  for (auto& [peer, source] : sources_) {
    if (source.asked_table || !reaches(peer)) continue;
    source.asked_table = send(peer, AskTable{object_});
    source.heard = now;
  }
}

void Fetch::find_silent(Time now, Time silence) {
  std::vector<PeerId> silent;
  for (auto& [peer, source] : sources_) {
    const bool waits = !source.asked.empty() || (table_ == nullptr && source.asked_table);
    if (waits && now - source.heard > silence) silent.push_back(peer);
  }
  for (const PeerId peer : silent) {
    source_lost(peer);
    sources_[peer].slow = true;
    sources_[peer].heard = now;
  }
  if (now - progress_ > most_silences * silence) state_ = State::lost;
}

void Fetch::pump(const std::function<bool(PeerId)>& reaches, const Send& send, Time now,
                 Time silence) {
  find_silent(now, silence);
  if (state_ != State::running) return;
  if (table_ == nullptr) return ask_table(reaches, send, now);
  while (in_flight_ < window_ && !missing_.empty()) {
    const PeerId peer = choose(reaches);
    if (peer == 0) return;
    Source& source = sources_[peer];
    const std::uint32_t chunk = *missing_.begin();
    if (!send(peer, Want{object_, {chunk}})) return;
    if (source.asked.empty()) source.heard = now;
    missing_.erase(missing_.begin());
    source.asked.insert(chunk);
    ++in_flight_;
  }
}

}  // namespace paracord::cluster::data
