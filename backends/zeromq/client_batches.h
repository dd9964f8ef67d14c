#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "paracord/backends/zeromq/client_ledger.h"
#include "paracord/backends/zeromq/peer_link.h"
#include "paracord/core/task_set.h"

namespace paracord::cluster {

/// How a client's batch stands: held back, sent, assigned, ended.
struct ClientBatch {
  Submit submit;  ///< the payload goes when the batch has been assigned
  bool sent = false;
  bool ended = false;  ///< nothing more comes of its attempt
  bool over_at_node = false;
  std::uint32_t next = 0;  ///< all before it were run there: their results come, or have come
  Attempt attempt{};       ///< none: not assigned, as far as is known
  PeerId node = 0;
  std::uint64_t queued_bytes = 0;  ///< that it takes of the scheduler's queue
  TaskSet seen;                    ///< results that came, those that were dropped as well
  TaskSet arrived, kept;           ///< dropped ones are in neither
  std::uint32_t losses = 0;
  std::int64_t ran_nanoseconds = 0;
  std::string refusal;
};

struct ClientCall {
  OpenCall open;
  bool answered = false;
  bool cancelled = false;     ///< nothing of it is sent any more
  int waiting = 0;            ///< threads that do
  bool said_waiting = false;  ///< what the scheduler was told last
  bool has_waited = false;    ///< it was told anything
  std::uint64_t to_come = 0;
};

struct ClientLedger::State {
  explicit State(Identity about) : identity(std::move(about)), link(identity.client) {}

  Identity identity;
  PeerLink link;
  std::map<CallId, ClientCall> calls;
  std::unordered_map<BatchId, ClientBatch> batches;
  /// Batches that wait for room in the scheduler's queue: in the order in which it would take them.
  std::set<std::tuple<std::int64_t, BatchId>> held_back;
  std::uint64_t queue_bytes = 0;  ///< of the scheduler's queue; 0: not known yet
  std::uint64_t used_bytes = 0;
  std::unordered_set<PeerId> nodes;
  std::uint32_t slots = 0;
  /// Told to their nodes with the next packet.
  std::map<std::pair<PeerId, Attempt>, std::vector<std::uint32_t>> acknowledgements;
  /// Calls that wait no longer: said a moment later, unless they wait again by then. Readers of a
  /// generator go on and stop with each result.
  std::set<CallId> resumed;
  Time say_resumed_at{}, now{};
  std::vector<client::Effect> effects;

  std::int64_t rank(CallId call) const;
  void send_what_fits();
  void send(ClientBatch& batch);
  void leave_queue(ClientBatch& batch);
  void acknowledge(PeerId node, const Attempt& attempt, std::uint32_t task);
  void say_acknowledgements();
  void say_resumed();
  void say_hello();
  /// Whether the node's word of its end can be taken for it: results may have been lost on the way
  /// that are sent again behind it.
  void end_if_all_came(ClientBatch& batch);
  /// Over, once it has ended and the owner has kept or dropped all that came.
  void end_if_done(BatchId id);
  void finish(BatchId id);

  void act_on(Message& message);
  void on(const Welcome& message);
  void on(const Refuse& message);
  void on(const CallOpened& message);
  void on(const NodeJoined& message);
  void on(const NodeGone& message);
  void on(const Assigned& message);
  void on(Results& message);
  void on(const BatchOver& message);
  void on(const Returned& message);
  void on(const Slots& message);
  void on(TaskOutput& message);
  ClientBatch* find(BatchId id, const Attempt& attempt);
};

}  // namespace paracord::cluster
