#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "paracord/core/cluster_ids.h"

/// What clients and nodes of a cluster say to its scheduler. See cluster_messages.h.
namespace paracord::cluster {

inline constexpr std::uint32_t protocol_version = 1;

// --- from a client ---

/// A parallel call. `setup` is for the nodes, and goes on unread.
struct OpenCall {
  CallId call = 0;
  std::int32_t priority = 0;        ///< higher first, among calls of one root client
  std::uint32_t nesting_level = 0;  ///< deeper first
  Attempt parent{};                 ///< the assignment inside which the call is made, and its node
  PeerId parent_node = 0;
  std::string label;  ///< for people: the function, once it is known
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
  std::string label{};          ///< with the first batch of its call: the call's, from now on
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
/// Lines that tasks have printed; for the client. May be lost.
struct TaskOutput {
  PeerId client = 0;
  CallId call = 0;
  std::string host;
  std::uint32_t worker = 0;
  std::int32_t pid = 0;
  bool is_error = false;  ///< from stderr
  std::string text;
};
/// How the node does, for people and metrics: now and then.
struct NodeReport {
  std::uint64_t memory_bytes = 0, memory_limit = 0, spilled_bytes = 0;  ///< of its object store
  std::uint64_t sent_bytes = 0, received_bytes = 0;  ///< by its data plane, since it started
  std::uint64_t workers_lost = 0;                    ///< since it started
  /// Tasks of one function that have failed since the last report, and one of their errors.
  struct Failure {
    PeerId client = 0;
    std::string function;  ///< as the call is labelled
    std::uint32_t count = 0;
    std::string text;  ///< the last one's
  };
  std::vector<Failure> failures;
};

}  // namespace paracord::cluster
