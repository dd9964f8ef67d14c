#pragma once

#include <atomic>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/backends/zeromq/agent_call.h"
#include "paracord/backends/zeromq/background.h"
#include "paracord/backends/zeromq/borrowed_files.h"
#include "paracord/backends/zeromq/node_agent.h"
#include "paracord/backends/zeromq/node_ledger.h"
#include "paracord/backends/zeromq/offers.h"

namespace paracord::cluster {

/// The inside of a node's agent.
///
/// Threads: the loop's; post(), and what is told of ended tasks, from any.
struct NodeAgent::State {
  explicit State(Options given);
  ~State();

  using CallKey = std::pair<PeerId, CallId>;
  using Held = ObjectStore::Held;
  using Then = std::function<void(Status, Held)>;

  // --- the loop (node_agent.cc) ---
  std::string serve();
  void turn();
  void take_mail();
  void carry_out(node::Effect effect);
  void send_all();
  void post(std::function<void()> job);
  bool has_drained();
  void begin_drain();
  void show();
  void print(std::vector<TaskOutput> printed);
  void report();

  // --- calls and batches (agent_batches.cc) ---
  void open(const NodeCall& about);
  bool program_ready(const CallKey& key, Status status, const ProgramCache::Ready& ready);
  void end(const CallKey& key);
  void end_client(PeerId client);
  void retire_workers(PeerId root);
  void run(Assign assign);
  void open_payload(const Attempt& attempt, Status status, Held held);
  void gather(const Attempt& attempt);
  void gathered(const Attempt& attempt, Status status);
  void submit(const Attempt& attempt);
  void stop(const Attempt& attempt);
  void give_back(const Attempt& attempt);
  void lend(const Attempt& attempt, bool begins);
  void backend_done(const Attempt& attempt, const Status& status);
  void finish(const Attempt& attempt, const std::string& refusal);

  // --- slots (agent_slots.cc) ---
  struct Share;
  void pump();
  std::vector<Share> shares();
  void share_out(std::vector<Share>& all);

  // --- what batches need (agent_objects.cc) ---
  void obtain(const ObjectId& object, PeerId client, const std::vector<ObjectSources>& sources,
              Then then);
  void begin_fetch(const ObjectId& object, ObjectStore::Room room);
  void borrow_or_obtain(const CallKey& key, const ObjectId& object, std::uint64_t written_at,
                        const std::vector<ObjectSources>& sources, Then then);
  Held borrow(const CallKey& key, const ObjectId& name, const NeighbourFile& file, bool to_write);
  void fetched(const ObjectId& object, Status status, std::shared_ptr<const ObjectTable> table);
  void prepare_program(const CallKey& key);
  void release_program(const Program& program);
  void fetch_file(const ProgramFile& file, PeerId client, std::function<void(Status)> then);

  // --- results (agent_results.cc) ---
  void task_ended(EndedTask task);
  void named(EndedTask task, std::vector<std::shared_ptr<const ObjectTable>> names);
  void write_results();
  void release(const Attempt& attempt, std::uint32_t task);

  struct Running {
    std::unique_ptr<AgentBatch> batch;
    CallKey call;
    int missing = 0;  // objects and modules that are on their way
    std::shared_ptr<std::vector<std::shared_ptr<detail::Buffer>>> memory;  // see AgentBatch::use
    Status trouble;                                                        // why it cannot run here
    bool ready = false;                                                    // to be submitted
    bool submitted = false;
    bool stopped = false;  // it is not to begin, or to end early
    bool parked = false;
    bool over = false;  // the backend has completed it
    std::string refusal;
    int unnamed = 0;  // results whose objects have no names yet
  };
  struct Fetch {
    Held destination;
    PeerId client;
    std::vector<PeerId> sources;
    std::vector<Then> waiting;
    bool has_room = false;  // for certain
  };
  struct KeptResult {
    CallKey call;
    std::vector<Offers::Offer> objects;
  };
  // Of a call whose client is behind with fetching: its next tasks wait for it.
  bool is_full(const CallKey& key) const;

  Options options;
  const std::uint32_t slots, most_parked;
  ControlLink control;
  ObjectStore store;
  std::unique_ptr<DataPlane> plane;
  Offers offers;
  NodeLedger ledger;
  ProgramCache programs;  // the background's, but for take() and release()
  std::map<CallKey, std::unique_ptr<AgentCall>> calls;
  std::set<CallKey> ending;
  std::map<CallKey, NodeCall> reopened;  // while they were ending
  std::map<PeerId, PeerId> roots;        // of clients that have made calls here
  std::set<PeerId> gone;                 // roots whose calls are still ending
  std::map<Attempt, Running> running;
  std::deque<Attempt> ready;
  bool pump_due = false;  // something has changed that lets batches begin
  std::map<ObjectId, Fetch> fetches;
  std::map<PeerId, std::set<ObjectId>> objects_of;
  // Where clients of this machine have them. For one call: longer, they may not stay as they are.
  std::map<CallKey, std::map<ObjectId, Held>> borrowed;
  BorrowedFiles borrowed_files;
  std::map<ObjectId, Offers::Offer> stored_offers;
  std::uint64_t borrowed_bytes = 0;  // of all that ever were
  std::map<std::pair<Attempt, std::uint32_t>, KeptResult> kept;
  std::map<CallKey, std::uint64_t> kept_bytes;  // of objects, where there are any
  std::map<Attempt, RecordWriter> records;
  int busy = 0;  // batches that were submitted and are not parked

  struct Mail {
    std::vector<EndedTask> ended;
    std::vector<TaskOutput> printed;
    std::vector<std::function<void()>> jobs;
  };
  detail::Guarded<Mail> mail;
  std::atomic<bool> mail_waits{false};
  std::atomic<bool> stopped{false}, drain_asked{false};
  bool draining = false;
  Time drain_deadline{};
  std::string refused;
  detail::Guarded<Seen> seen;
  std::uint64_t tasks_done = 0, workers_lost = 0;
  Time report_due{};
  ObjectStore::Counters stored{};          // as of the last report
  std::unique_ptr<Background> background;  // last made, first gone: its jobs use the rest
};

}  // namespace paracord::cluster
