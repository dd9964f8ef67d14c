#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "paracord/core/cluster_requests.h"

/// What a cluster's scheduler says. See cluster_messages.h.
namespace paracord::cluster {

struct Welcome {
  std::uint64_t epoch = 0;
  std::uint64_t queue_bytes = 0;  ///< clients: payload that may be submitted and not assigned
  std::int64_t heartbeat_nanoseconds = 0;
  /// Where connections are passed on to nodes: tcp://HOST:PORT, with * for the host by which the
  /// scheduler itself is reached; empty: nowhere.
  std::string relay{};
  std::int64_t node_lost_nanoseconds = 0;  ///< of silence; 0: it does not say
};
/// To a peer that cannot take part, with the reason. It does not try again.
struct Refuse {
  std::string why;
};
struct Resync {};

/// To the client: the call has been opened.
struct CallOpened {
  CallId call = 0;
  bool run_inline = false;  ///< too many tasks wait already: run it where it is
  std::uint32_t slots = 0;  ///< in the cluster now
};
struct NodeAddress {
  PeerId node = 0;
  std::string name;
  std::string data_address;
  std::string data_key;
};
/// To the client: before the first assignment to such a node.
struct NodeJoined {
  NodeAddress node;
};
/// To the client: whatever of its was there is gone.
struct NodeGone {
  PeerId node = 0;
  std::string why;
};
struct Assigned {
  BatchId batch = 0;
  Attempt attempt{};
  PeerId node = 0;
};
/// To the client, where no node says BatchOver: these tasks of a batch were not run, or their
/// results are gone; it may submit again those that it has no result of.
struct Returned {
  BatchId batch = 0;
  Attempt attempt{};
  std::uint32_t next = 0;  ///< tasks from here on
  bool lost = false;       ///< with its node
  std::string refusal;     ///< not empty: no node that is here can run such tasks
};
struct Slots {
  std::uint32_t slots = 0;  ///< of all nodes, whenever that changes
};

/// To a node: before the first batch of this call.
struct NodeCall {
  PeerId client = 0;
  PeerId root = 0;
  OpenCall call;
};
struct ObjectSources {
  ObjectId object{};
  std::vector<NodeAddress> nodes;  ///< beside the client itself
};
struct Assign {
  PeerId client = 0;
  Attempt attempt{};
  Submit batch;
  std::vector<ObjectSources> sources;  ///< of what the node does not have
};
/// To a node. May come before the assignment that it cancels.
struct CancelAttempt {
  Attempt attempt{};
};
/// To a node: give back what was not begun.
struct Retract {
  Attempt attempt{};
};
/// To a node: this attempt waits for others, or does so no longer: one worker more may run.
struct Lend {
  Attempt attempt{};
  bool begins = true;
};
struct NodeCallClosed {
  PeerId client = 0;
  CallId call = 0;
};
struct ClientGone {
  PeerId client = 0;
};
/// To a node: the client may have missed what came of these attempts. What is held of them is sent
/// again; an attempt that is not held is answered by its BatchOver.
struct SendAgain {
  PeerId client = 0;
  std::vector<HeldBatch> batches;
};

/// To the scheduler, outside of sessions: what is going on? Answered at once, for people.
struct Query {};
struct Answer {
  std::string text;  ///< JSON
};

}  // namespace paracord::cluster
