#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/data_links.h"
#include "paracord/transport/data_plane.h"
#include "paracord/transport/fetch.h"
#include "paracord/transport/outbox.h"
#include "paracord/transport/waker.h"

namespace paracord::cluster {

/// Of one peer's objects, at a time: what it answers to all of them has room in a connection's
/// queue. Beyond that an answer would be lost, and missed only when its source counts as silent.
inline constexpr std::size_t most_asked = 512;

/// What the plane's thread works on. Other threads post jobs.
struct DataPlane::State {
  explicit State(Options given);

  // What is being sent of an offer.
  struct Sending {
    std::shared_ptr<const void> owner;
    std::atomic<int> chunks{0};
    detail::Event idle;
    void wait() {
      idle.wait([this] { return chunks.load() == 0; });
    }
  };
  struct Offer {
    std::shared_ptr<const ObjectTable> table;
    const std::byte* data = nullptr;
    std::shared_ptr<Sending> sending;
    FilePlace place;
  };
  // A peer is to be asked where it keeps an object, or has been.
  struct Search {
    std::vector<OnFile> waiting;
    bool is_asked = false;
    Time ends{};
  };
  using Searches = std::map<std::pair<PeerId, ObjectId>, Search>;
  // A fetch is over, and its object is not offered yet: who asks meanwhile is answered then.
  struct Between {
    Time ends{};
    std::set<PeerId> listeners;
    std::vector<std::pair<PeerId, std::uint32_t>> wanted;
  };

  // What is asked of one peer: a stalled one keeps nobody else's objects from coming.
  struct Line {
    std::size_t running = 0;
    std::deque<ObjectId> order;  // of those that wait; some may have gone
  };

  void post(std::function<void()> job);
  // On the plane's thread; waits for it.
  void run(const std::function<void()>& job);
  void serve();
  Time longest_wait() const;

  void add_offer(Offer offer);
  std::shared_ptr<Sending> remove_offer(const ObjectId& object);
  void begin(data::Fetch::Setup setup);
  void start(data::Fetch::Setup setup);
  void start_next(PeerId line);
  void start_now(std::map<ObjectId, data::Fetch::Setup>::iterator waits);
  void leave(const data::Fetch& fetch);
  void cancel(const ObjectId& object, const std::string& why);
  void pump(data::Fetch& fetch);
  void pump_all();
  void end_fetches();
  void end(data::Fetch& fetch);
  void end_between();

  void disconnected(PeerId peer);
  void refused(PeerId peer, const std::string& why);
  void handle(PeerId from, data::DataMessage& message);
  void give_table(PeerId to, const data::AskTable& ask);
  void give_table_of(PeerId to, const ObjectTable& table, std::uint32_t first);
  void take_table(PeerId from, const data::TablePart& part);
  void take_wants(PeerId from, const data::Want& want);
  void take_chunk(PeerId from, const data::Chunk& chunk);
  bool send_chunk(PeerId to, const data::Outbox::Item& item, const data::Outbox::Turn& turn);
  bool send_bytes(PeerId to, const data::Outbox::Item& item, const std::byte* object,
                  const std::shared_ptr<const void>& keep);
  bool is_unchanged(const Offer& offer, std::uint32_t chunk) const;
  void search(const ObjectId& object, PeerId peer, OnFile on_file);
  void set_end(Searches::iterator search);
  void ask_place(const ObjectId& object, PeerId peer);
  void ask_places_of(PeerId peer);
  void ask_next_places(PeerId peer);
  void take_place(PeerId from, const data::Place& place);
  void end_search(const ObjectId& object, PeerId peer, const std::optional<NeighbourFile>& file);
  void end_late_searches();
  void cannot(PeerId to, const ObjectId& object, const std::string& why);

  const Options options;
  const std::shared_ptr<data::Waker> waker = std::make_shared<data::Waker>();
  std::map<ObjectId, Offer> offers;
  std::map<ObjectId, std::unique_ptr<data::Fetch>> fetches;
  std::map<ObjectId, data::Fetch::Setup> waiting;  // until others of the same origin are over
  std::map<PeerId, Line> lines;                    // by origin
  std::map<ObjectId, Between> between;
  Searches searches;
  std::deque<std::pair<Time, Searches::key_type>> search_ends;  // some are over, or end later
  std::map<PeerId, Line> lines_of_searches;
  data::Outbox outbox{waker};
  std::function<void(const ObjectId&)> told_changed;
  std::function<void(PeerId, const std::string&)> told_unreachable;
  std::atomic<std::uint64_t> sent_bytes{0}, received_bytes{0}, chunks_refused{0}, started{0};
  detail::Guarded<std::vector<std::function<void()>>> jobs;
  std::atomic<bool> stopped{false};
  detail::Event ran;
  data::DataLinks links;
  std::thread thread;
};

}  // namespace paracord::cluster
