#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/task_set.h"
#include "paracord/scheduler/flat_index.h"
#include "paracord/scheduler/history.h"
#include "paracord/scheduler/load_tree.h"
#include "paracord/scheduler/object_directory.h"
#include "paracord/scheduler/scheduler.h"

/// The tables that the scheduler's parts work on. Each part is a set of functions of its own file:
/// sessions, membership, hellos, client_requests, node_reports, queue, placement, nesting, balance.
namespace paracord::cluster::scheduling {

/// What passes between the scheduler and one peer.
struct Session {
  PeerId peer = 0;
  Role role = Role::client;
  std::uint32_t index = none;  ///< in the table of its role
  std::uint64_t number = 0, received = 0, sent = 0;
  Time last_heard{}, last_sent{}, check_at{};
  std::optional<Time> closed_at;  ///< by the peer, which has not been heard since
  std::vector<Message> outbox;
  std::size_t usual_messages = 0;
  bool has_outgoing = false;
};

enum class BatchState : std::uint8_t {
  unused,
  queued,
  uncertain,  ///< sent to another scheduler: perhaps a node holds it, and will say so
  awaited,    ///< with a node that has not come back yet, says its client
  running,    ///< assigned
  over,       ///< results wait for the client's acknowledgement
};

struct Call;

/// A batch, from its submission until its last result is acknowledged.
struct Batch {
  BatchState state = BatchState::unused;
  bool retracted = false, cost_is_known = false;
  std::uint32_t generation = 0;
  std::uint32_t client = none, node = none;
  std::uint32_t previous = none, next = none;  ///< in the one list that it is in
  std::uint32_t count = 0, losses = 0;
  BatchId id = 0;
  Call* call = nullptr;  ///< null: nobody wants it any more, or its client has not come yet
  Attempt attempt{};
  std::uint64_t order = 0;  ///< of submission
  double cost = 0;          ///< nanoseconds, as it was charged
  PeerId awaited_node = 0;
  Time since{};   ///< in its state: queued, running
  Bytes payload;  ///< null: gone to its node
  std::vector<ObjectId> needs;
  TaskSet unacknowledged;
};

/// Batches by index, which stay where they are while the table grows.
class BatchTable {
 public:
  Batch& operator[](std::uint32_t index) { return blocks_[index / block][index % block]; }
  const Batch& operator[](std::uint32_t index) const {
    return blocks_[index / block][index % block];
  }
  std::uint32_t size() const { return size_; }
  std::uint32_t add() {
    if (size_ % block == 0) blocks_.push_back(std::make_unique<Batch[]>(block));
    return size_++;
  }

 private:
  static constexpr std::uint32_t block = 1024;
  std::vector<std::unique_ptr<Batch[]>> blocks_;
  std::uint32_t size_ = 0;
};

/// A list through the batches themselves.
struct BatchList {
  std::uint32_t first = none, last = none;
  std::size_t size = 0;
};

/// Before others: higher priority, deeper nesting, earlier submission.
struct QueueKey {
  std::int64_t priority = 0, nesting_level = 0;  ///< negated
  std::uint64_t order = 0;
  auto operator<=>(const QueueKey&) const = default;
};

using NodeSet = std::vector<bool>;  ///< by index

struct Call {
  std::uint32_t client = none;
  OpenCall open;
  BatchList queued;
  QueueKey key{};         ///< while something is queued
  bool answered = false;  ///< it is decided whether it runs inline
  bool run_inline = false;
  bool owes_answer = true;  ///< its client has said hello, or opened it, since it was told
  bool waits = false;
  NodeSet told;
  std::vector<PeerId> refused_by;
  std::string refusal;  ///< what the last of those has said
  FunctionRecord* function = nullptr;
  double cost_per_task = 0;  ///< nanoseconds, smoothed; 0: not known
  std::uint64_t queued_tasks = 0, running_tasks = 0, to_come = 0;
  std::uint32_t running_batches = 0;
  std::uint64_t blocked_in = 0;  ///< the round in which no node could be found
};

/// All clients that work on behalf of one program.
struct Root {
  PeerId id = 0;
  std::uint32_t weight = 1, clients = 0;
  double virtual_time = 0;  ///< slot-nanoseconds by weight, see queue.h
  bool is_active = false;
  std::map<QueueKey, Call*> ready;
};

struct Client {
  Session session;
  bool present = false;  ///< it has said hello; else only nodes have told of it
  Root* root = nullptr;
  std::string name;
  std::unordered_map<CallId, std::unique_ptr<Call>> calls;
  FlatIndex batches;
  NodeSet knows;                             ///< nodes that it was told of
  std::unordered_set<PeerId> awaited_nodes;  ///< that it knows, and that have not come yet
  bool is_settled = true;                    ///< no batch can be uncertain any more
  Time settle_at{};
  BatchList unsettled;  ///< uncertain or awaited batches
  std::uint64_t queued_tasks = 0, running_tasks = 0, done_tasks = 0, queued_bytes = 0;
  double slot_nanoseconds = 0;
};

struct Node {
  Session session;
  std::string name, data_address, data_key;
  std::uint32_t slots = 0, most_parked = 0;
  bool is_suspect = false, is_draining = false;
  Time waiters_known_at{};  ///< from then on: before, those that wait there may not have come back
  BatchList running, over;
  std::uint32_t waiting = 0, waiters = 0, lent = 0;  ///< attempts, see nesting.h
  double queued_cost = 0;                            ///< of all that runs
  std::uint32_t excess = 0;                          ///< batches beyond its slots
  std::vector<ObjectId> fetching;
  std::uint64_t objects = 0, object_bytes = 0;
  NodeReport report;  ///< the last one, but for its failures
};

/// A task that makes calls of its own, see nesting.h.
struct Waiter {
  PeerId node = 0;
  PeerId client = 0;         ///< the worker that it runs in
  std::vector<Call*> calls;  ///< that do not run inline
  std::uint32_t waiting = 0;
  bool is_lent = false;
};

enum class Alarm : std::uint8_t { peer, settle, slots, balance };

struct State {
  State(const SchedulerOptions& settings, std::uint64_t own_epoch)
      : options(settings), epoch(own_epoch) {}

  const SchedulerOptions options;
  const std::uint64_t epoch;
  Time now{};
  Time closings_count_from{};  ///< before, this end may have closed connections itself

  std::unordered_map<PeerId, Session*> peers;
  std::vector<std::unique_ptr<Client>> clients;
  std::vector<std::unique_ptr<Node>> nodes;
  std::vector<std::uint32_t> free_clients, free_nodes;
  std::uint32_t node_count = 0, slot_count = 0, told_slot_count = 0;
  std::uint64_t excess = 0;  ///< of all nodes

  BatchTable batches;
  std::vector<std::uint32_t> free_batches;
  std::map<Attempt, std::uint32_t> adopted;  ///< under their former names

  std::unordered_map<PeerId, std::unique_ptr<Root>> roots;
  std::map<std::pair<double, PeerId>, Root*> active;  ///< with something queued
  double virtual_time = 0;                            ///< of the root that was served last
  std::uint64_t order = 0, round = 0;
  std::size_t queued_batches = 0;
  History history;
  double usual_cost = 0;

  LoadTree loads;
  ObjectDirectory directory;
  std::unordered_map<Attempt, Waiter, AttemptHash> waiters;

  std::unordered_map<PeerId, std::string> refused;  ///< and why
  std::deque<PeerId> refused_order;
  std::vector<Session*> outgoing;
  std::vector<Outgoing> parting;  ///< to peers without a session

  using Entry = std::tuple<Time, Alarm, std::uint64_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> alarms;
  bool slots_alarm = false, balance_alarm = false;

  SchedulerView counters;  ///< its totals

  Batch& batch(std::uint32_t index) { return batches[index]; }
  Node& node(std::uint32_t index) { return *nodes[index]; }
  Client& client(std::uint32_t index) { return *clients[index]; }
  void set_alarm(Time at, Alarm kind, std::uint64_t id = 0) { alarms.push({at, kind, id}); }
};

/// A set that grows as it is asked.
inline bool contains(const NodeSet& set, std::uint32_t index) {
  return index < set.size() && set[index];
}
inline void insert(NodeSet& set, std::uint32_t index) {
  if (set.size() <= index) set.resize(index + 1);
  set[index] = true;
}
inline void erase(NodeSet& set, std::uint32_t index) {
  if (index < set.size()) set[index] = false;
}

inline Node* find_node(State& state, PeerId id) {
  const auto found = state.peers.find(id);
  if (found == state.peers.end() || found->second->role != Role::node) return nullptr;
  return state.nodes[found->second->index].get();
}
inline Client* find_client(State& state, PeerId id) {
  const auto found = state.peers.find(id);
  if (found == state.peers.end() || found->second->role != Role::client) return nullptr;
  return state.clients[found->second->index].get();
}

}  // namespace paracord::cluster::scheduling
