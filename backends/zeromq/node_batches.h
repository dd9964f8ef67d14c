#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "paracord/backends/zeromq/node_ledger.h"
#include "paracord/backends/zeromq/peer_link.h"
#include "paracord/core/task_set.h"

namespace paracord::cluster {

/// Results that went out together, until the client has acknowledged each of them.
struct KeptResults {
  std::vector<std::uint32_t> tasks;
  std::size_t left = 0;
  Bytes payload;
};

struct NodeBatch {
  PeerId client = 0;
  BatchId batch = 0;
  CallId call = 0;
  bool over = false;
  bool cancelled = false;
  std::uint32_t next = 0;
  std::int64_t ran_nanoseconds = 0;
  std::string refusal;
  std::map<std::uint32_t, KeptResults> kept;  ///< by the order in which they came
  std::uint32_t next_kept = 0;
  TaskSet unacknowledged;
  TaskSet done;
  std::vector<std::uint32_t> kept_of;  ///< by task: with which it came
};

/// A call that the node was told of, and ends when the scheduler says so. In a new session the
/// scheduler tells again which calls go on; the others end once nothing of theirs is held.
struct NodeSideCall {
  bool confirmed = true;
  std::uint32_t batches = 0;
};

struct NodeLedger::State {
  explicit State(NodeHello hello) : about(std::move(hello)), link(about.node) {}

  NodeHello about;
  PeerLink link;
  std::map<Attempt, NodeBatch> batches;
  std::map<std::pair<PeerId, CallId>, NodeSideCall> calls;
  std::map<Attempt, bool> lent;  ///< whether the scheduler has said so in this session
  std::set<ObjectId> objects;
  std::set<Attempt> tombstones;  ///< cancelled before they were assigned
  std::deque<Attempt> tombstone_order;
  std::uint64_t held_bytes = 0;
  std::vector<node::Effect> effects;
  Time now{};
  Time output_since{};  ///< the second that is counted
  std::size_t output_bytes = 0, output_left_out = 0;
  std::vector<NodeReport::Failure> failures;

  void say_hello();
  void say_results(const Attempt& attempt, const NodeBatch& batch, const KeptResults& results);
  void say_over(const Attempt& attempt, const NodeBatch& batch);
  /// Nobody wants its results.
  void release_all(const Attempt& attempt, NodeBatch& batch);
  void forget_if_done(const Attempt& attempt);
  void cancel(const Attempt& attempt);
  void end_lent(const Attempt& attempt);
  void end_call(PeerId client, CallId call);
  void end_what_is_not_lent(const std::vector<Message>& welcome);
  void end_what_was_not_confirmed();

  void act_on(Message& message);
  void on(const Welcome& message);
  void on(const Refuse& message);
  void on(NodeCall& message);
  void on(Assign& message);
  void on(const CancelAttempt& message);
  void on(const Retract& message);
  void on(const Lend& message);
  void on(const NodeCallClosed& message);
  void on(const ClientGone& message);
  void on(const Acknowledge& message);
  void on(const SendAgain& message);
};

}  // namespace paracord::cluster
