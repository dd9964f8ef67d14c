#pragma once

#include <array>
#include <chrono>
#include <compare>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

/// What clients, scheduler and nodes of a cluster say to each other, as plain values: the state
/// machines at the three ends speak in these, and transport/ puts them on the wire.
///
/// Links. Peers (clients, nodes) talk to the scheduler only. A peer opens a session by a packet
/// with sequence number 1 that begins with its hello, which holds all that it has; the other
/// direction uses the same session number, with sequence numbers of its own from 1. Whoever finds a
/// gap, or a session that it does not know, cannot know what was lost: the scheduler answers
/// Resync, and a peer opens its next session. A repeated packet is dropped. So what was lost comes
/// up at the next packet, at the latest with the next heartbeat. The sequence number of the packet
/// of a Resync is the number of the session that it answers: a late one ends no newer session.
namespace paracord::cluster {

inline constexpr std::uint32_t protocol_version = 1;

/// Time since some moment, on one party's own clock. No two clocks are ever compared.
using Time = std::chrono::nanoseconds;

/// Random, fresh for each start of a process. 0: none.
using PeerId = std::uint64_t;
using CallId = std::uint32_t;                      ///< a client's own count, from 1
using BatchId = std::uint64_t;                     ///< a client's own count, from 1
using Bytes = std::shared_ptr<const std::string>;  ///< never null; shared, since it goes on unread

/// Names one assignment of one batch. Each start of a scheduler has a higher epoch.
struct Attempt {
  std::uint64_t epoch = 0;
  std::uint64_t counter = 0;  ///< 0: none
  auto operator<=>(const Attempt&) const = default;
};

/// An array's content, or a bundle of code: what has the same name has the same bytes.
struct ObjectId {
  std::array<std::uint64_t, 2> digest{};
  std::uint64_t bytes = 0;
  auto operator<=>(const ObjectId&) const = default;
};

// --- from a client ---

/// A parallel call. `setup` is for the nodes, and goes on unread.
struct OpenCall {
  CallId call = 0;
  std::int32_t priority = 0;        ///< higher first, among calls of one root client
  std::uint32_t nesting_level = 0;  ///< deeper first
  Attempt parent{};                 ///< the assignment inside which the call is made, and its node
  PeerId parent_node = 0;
  std::string label;  ///< for people: the function
  Bytes setup;
  std::uint32_t most_at_once = 0;  ///< batches with nodes at the same time; 0: no limit
};

/// Tasks of one call that run on one slot, one after the other.
struct Submit {
  BatchId batch = 0;
  CallId call = 0;
  std::uint32_t count = 0;
  std::uint32_t losses = 0;  ///< nodes that were lost with it
  Bytes payload;
  std::vector<ObjectId> needs;  ///< objects that its tasks read
};

/// A batch that the client still expects something of, in its hello.
struct ExpectedBatch {
  BatchId batch = 0;
  CallId call = 0;
  std::uint32_t count = 0;
  Attempt attempt{};  ///< as it was told. None: it was sent to another scheduler, and may be with a
                      ///< node; it is submitted again behind the hello
  PeerId node = 0;
};

struct ClientHello {
  std::uint32_t protocol = protocol_version;
  PeerId client = 0;
  PeerId root = 0;  ///< on whose behalf, for fairness: itself, or the client whose task it runs in
  std::uint32_t weight = 1;
  std::string name;  ///< for people: host, program, pid
  std::uint64_t known_epoch = 0;
  std::vector<PeerId> known_nodes;  ///< that held something of its, as far as it knows
  std::vector<OpenCall> calls;
  std::vector<ExpectedBatch> expected;
};

struct CancelCall {
  CallId call = 0;
};
struct CloseCall {
  CallId call = 0;
};
/// The results are at the client, the bytes of large ones too: the node lets go of them.
struct Acknowledge {
  PeerId node = 0;
  Attempt attempt{};
  std::vector<std::uint32_t> tasks;
};
/// A call inside a task begins or ends to wait: its slot is lent to others meanwhile.
struct Waiting {
  CallId call = 0;
  bool begins = true;
};
/// Tasks of the call that were not submitted yet, where their number is known.
struct ToCome {
  CallId call = 0;
  std::uint64_t tasks = 0;
};

// --- from a node ---

struct HeldBatch {
  PeerId client = 0;
  BatchId batch = 0;
  Attempt attempt{};
  bool over = false;  ///< it has run; results wait for acknowledgement
};

struct NodeHello {
  std::uint32_t protocol = protocol_version;
  PeerId node = 0;
  std::string name;  ///< for people, and what errors name: the host
  std::uint32_t slots = 1;
  std::uint32_t most_parked = 0;  ///< slots that waiting tasks may lend at once
  std::string data_address;       ///< where its data plane listens
  std::string data_key;           ///< its public key; empty: none
  std::uint64_t known_epoch = 0;
  bool draining = false;
  std::vector<HeldBatch> held;
  std::vector<ObjectId> objects;
};

/// Results of tasks of one batch, in the order in which they ran; for the client.
struct Results {
  PeerId client = 0;
  BatchId batch = 0;
  Attempt attempt{};
  PeerId node = 0;                   ///< set by the scheduler
  std::vector<std::uint32_t> tasks;  ///< which, in the batch
  Bytes payload;
};
/// Nothing more comes of this attempt. What it did not run, it gives back. Goes on to the client,
/// unless it is a refusal, which becomes a Returned.
struct BatchOver {
  PeerId client = 0;
  BatchId batch = 0;
  Attempt attempt{};
  std::uint32_t next = 0;  ///< tasks from here on were not run
  std::int64_t ran_nanoseconds = 0;
  std::string refusal;  ///< not empty: this node cannot run such tasks, and why
};
struct HaveObjects {
  std::vector<ObjectId> objects;
};
struct DropObjects {
  std::vector<ObjectId> objects;
};
struct Drain {};

// --- from the scheduler ---

struct Welcome {
  std::uint64_t epoch = 0;
  std::uint64_t queue_bytes = 0;  ///< clients: payload that may be submitted and not assigned
  std::int64_t heartbeat_nanoseconds = 0;
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

/// From anyone, when nothing else was sent for a while.
struct Heartbeat {};
struct Goodbye {};

using Message =
    std::variant<Heartbeat, Goodbye, ClientHello, OpenCall, Submit, CancelCall, CloseCall,
                 Acknowledge, Waiting, ToCome, NodeHello, Results, BatchOver, HaveObjects,
                 DropObjects, Drain, Welcome, Refuse, Resync, CallOpened, NodeJoined, NodeGone,
                 Assigned, Returned, Slots, NodeCall, Assign, CancelAttempt, Retract, Lend,
                 NodeCallClosed, ClientGone, SendAgain, Query, Answer>;

struct Packet {
  std::uint64_t session = 0;  ///< 0: outside of any session (Resync, Refuse)
  std::uint64_t sequence = 0;
  std::vector<Message> messages;
};

}  // namespace paracord::cluster
