#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "paracord/transport/data_codec.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster::data {

/// One object on its way here: which chunks are there, and which were asked of whom. Decides what
/// to ask next; a state machine, which sends through a function.
///
/// The first source is where the object comes from; the others have it from there, so they are
/// asked in its place as long as they answer.
///
/// Threads: the plane's.
class Fetch {
 public:
  using Send = std::function<bool(PeerId, const DataMessage&)>;
  Fetch(const ObjectId& object, std::byte* destination, std::shared_ptr<void> owner,
        std::vector<PeerId> sources, std::uint32_t window_chunks, DataPlane::OnFetched on_fetched,
        Time now);

  enum class State { running, done, lost };
  State state() const { return state_; }
  const ObjectId& object() const { return object_; }
  const std::shared_ptr<const ObjectTable>& table() const { return table_; }
  bool has(std::uint32_t chunk) const { return table_ != nullptr && has_[chunk]; }
  const std::byte* data() const { return destination_; }
  const std::shared_ptr<void>& owner() const { return owner_; }
  void tell(const Status& status) { on_fetched_(status, status.ok() ? table_ : nullptr); }

  void add_source(PeerId peer);
  /// There is a connection to it, anew.
  void source_connected(PeerId peer);
  /// What was asked of it will not come.
  void source_lost(PeerId peer);
  /// It has nothing of the object, and never will.
  void source_gone(PeerId peer);
  void take_table(PeerId from, const ObjectTable& table);
  /// Returns whether the chunk was wanted and right.
  bool take_chunk(PeerId from, const Chunk& chunk, Time now);
  /// Asks for as much as the window allows; finds silent sources.
  void pump(const std::function<bool(PeerId)>& reaches, const Send& send, Time now, Time silence);

 private:
  struct Source {
    bool asked_table = false;
    bool slow = false;  // asked only where nobody else is left
    std::set<std::uint32_t> asked;
    Time heard{};
  };
  PeerId choose(const std::function<bool(PeerId)>& reaches);
  void ask_table(const std::function<bool(PeerId)>& reaches, const Send& send, Time now);
  void find_silent(Time now, Time silence);

  const ObjectId object_;
  std::byte* const destination_;
  std::shared_ptr<void> owner_;
  const std::uint32_t window_;
  DataPlane::OnFetched on_fetched_;
  State state_ = State::running;
  PeerId origin_ = 0;
  std::map<PeerId, Source> sources_;
  std::shared_ptr<const ObjectTable> table_;
  std::vector<bool> has_;
  std::set<std::uint32_t> missing_;  // neither here nor asked for
  std::uint32_t in_flight_ = 0, left_ = 0;
  Time progress_;
};

}  // namespace paracord::cluster::data
