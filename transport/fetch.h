#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "paracord/transport/data_codec.h"
#include "paracord/transport/data_plane.h"

namespace paracord::cluster::data {

/// Why a fetch has failed whose sources are all gone.
Status nobody_has(const ObjectId& object, const std::string& trouble);

/// One object on its way here: which chunks are there, and which were asked of whom. Decides what
/// to ask next; a state machine, which sends through a function.
///
/// The first source is where the object comes from, the origin. The others have it from there, and
/// tell which chunks they have: those are asked of them. Of the origin, those who fetch the same
/// object at the same time ask different parts, so that it sends each chunk about once. Where they
/// stall, the origin is asked for everything.
///
/// A window of chunks is on its way, each asked of the source from which the fewest are awaited: so
/// faster sources are asked more often.
///
/// Threads: the plane's.
class Fetch {
 public:
  using Send = std::function<bool(PeerId, const DataMessage&)>;
  using Reaches = std::function<bool(PeerId)>;
  struct Setup {
    PeerId self = 0;
    ObjectId object;
    DataPlane::Destination destination;
    std::vector<PeerId> sources;
    std::uint32_t window_chunks = 1;
    Time silence{};
    DataPlane::OnFetched on_fetched;
    Reaches reaches;
    Send send;
    PeerId line = 0;  ///< in which it has waited; its own plane's
  };
  Fetch(Setup setup, Time now);

  enum class State { running, done, lost };
  State state() const { return state_; }
  const ObjectId& object() const { return setup_.object; }
  PeerId line() const { return setup_.line; }
  const std::shared_ptr<const ObjectTable>& table() const { return table_; }
  bool has(std::uint32_t chunk) const { return table_ != nullptr && has_[chunk]; }
  const DataPlane::Destination& destination() const { return setup_.destination; }
  void tell(const Status& status) { setup_.on_fetched(status, status.ok() ? table_ : nullptr); }
  /// Why it is lost.
  Status failure() const;

  /// Not again, if it was passed over for what it has sent.
  void add_source(PeerId peer, Time now);
  /// There is a connection to it, anew.
  void source_connected(PeerId peer, Time now);
  /// What was asked of it will not come.
  void source_lost(PeerId peer);
  /// It is asked for nothing more.
  void source_gone(PeerId peer, const std::string& why);
  /// It has nothing of the object now. Perhaps it begins to fetch it in a moment.
  void source_cannot(PeerId peer, const std::string& why, Time now);
  void take_table(PeerId from, const TablePart& part, Time now);
  void take_have(PeerId from, const Have& have);
  /// Returns whether the chunk was right.
  bool take_chunk(PeerId from, const Chunk& chunk, Time now);
  /// Asks for as much as the window allows; finds silent sources.
  void pump(Time now);

  /// Wants the table, and to be told of chunks as they come.
  void add_listener(PeerId peer) { listeners_.insert(peer); }
  const std::set<PeerId>& listeners() const { return listeners_; }
  /// Tells the listeners of the chunks that have come since it was last called.
  void tell_listeners();
  /// All chunks that are here, for one who begins to listen.
  void tell_all_chunks(PeerId listener) const;

 private:
  struct Source {
    bool asked_table = false, answered = false;
    bool slow = false;  // asked only where nobody else is left
    bool all = false;
    std::vector<bool> has;              // where not all
    std::deque<std::uint32_t> offered;  // of those, what may be missing here
    std::vector<std::uint32_t> early;   // told before the table came
    std::set<std::uint32_t> asked;
    int silences = 0;
    Time heard{};
  };
  void refuse(PeerId peer, const std::string& why);
  void find_silent(Time now);
  void ask_tables(Time now);
  bool ask(PeerId peer, std::uint32_t chunk, Time now);
  bool ask_others(Time now);
  bool ask_own_part(Time now);
  bool ask_origin(Time now);
  void miss(std::uint32_t chunk);
  bool put(const Chunk& chunk);
  void begin_chunks();
  void hear_of(Source& source, const std::vector<std::uint32_t>& chunks);
  const std::uint32_t* next_of(Source& source);
  struct Part {
    std::uint32_t begin, chunks;
  };
  Part own_part(Time now) const;
  std::set<PeerId> parties(Time now) const;
  bool is_had_by_others(std::uint32_t chunk) const;
  std::optional<std::uint32_t> only_at_origin(std::uint64_t begin, std::uint64_t end) const;
  std::optional<std::uint32_t> missing_in(Part part) const;
  std::optional<std::uint32_t> last_missing_outside(Part part) const;
  bool may_take_of_others(Time now) const;
  bool knows_others(Time now) const;
  PeerId last_resort() const;
  std::uint32_t count() const { return static_cast<std::uint32_t>(has_.size()); }

  const Setup setup_;
  State state_ = State::running;
  PeerId origin_ = 0;
  std::map<PeerId, Source> sources_;
  std::set<PeerId> refused_, listeners_;
  std::map<PeerId, Time> hoped_for_;  // until when
  std::string trouble_;
  int no_room_ = 0;  // why the destination could not be filled
  PeerId table_from_ = 0;
  ObjectTable arriving_;
  std::shared_ptr<const ObjectTable> table_;
  std::vector<bool> has_;
  std::set<std::uint32_t> missing_;  // neither here nor asked for
  std::vector<std::uint32_t> fresh_;
  std::uint32_t in_flight_ = 0, left_ = 0;
  const Time began_;
  Time progress_;
};

}  // namespace paracord::cluster::data
