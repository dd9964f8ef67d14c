#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

/// What the ledger asks its owner, the agent, to do, in order.
namespace node {
struct OpenCall {
  NodeCall call;
};
/// Then task_done() for each task that ran, then batch_over().
struct Run {
  Assign assign;
};
/// Stop it; batch_over() comes all the same.
struct Stop {
  Attempt attempt;
};
/// Give back what was not begun: batch_over() with `next`.
struct GiveBack {
  Attempt attempt;
};
struct Lent {
  Attempt attempt;
  bool begins;
};
/// The result is at the client, or nobody wants it: what was kept for it goes.
struct Release {
  Attempt attempt;
  std::uint32_t task;
};
struct EndCall {
  PeerId client;
  CallId call;
};
struct EndClient {
  PeerId client;
};
struct Refused {
  std::string why;
};
/// See cluster::Welcome.
struct UseRelay {
  std::string address;
};
using Effect = std::variant<OpenCall, Run, Stop, GiveBack, Lent, Release, EndCall, EndClient,
                            Refused, UseRelay>;
}  // namespace node

/// What a node knows: what it runs, and the results that no client has acknowledged. Out of this,
/// any scheduler can be told again what the node holds.
///
/// A state machine, as the scheduler is: no clock, no socket, no lock.
///
/// Threads: one at a time.
class NodeLedger {
 public:
  /// `about`: the node's hello, without what it holds.
  explicit NodeLedger(NodeHello about);
  NodeLedger(const NodeLedger&) = delete;
  ~NodeLedger();

  /// The link is there, for the first time or anew: says hello.
  void connected(Time now);
  void receive(Packet packet, Time now);
  void tick(Time now);
  Time next_deadline() const;

  /// Results of these tasks of one attempt. Kept until they are acknowledged.
  void tasks_done(const Attempt& attempt, std::vector<std::uint32_t> tasks, Bytes payload);
  /// `next`: tasks from here on were not run, nor, for the client, was the first one without
  /// results and what follows it, but for the results that there are. `refusal`: see BatchOver.
  void batch_over(const Attempt& attempt, std::uint32_t next, std::int64_t ran_nanoseconds,
                  std::string refusal = {});
  /// Told to the client, a bounded amount in each second; the rest is left out.
  void print(TaskOutput output);
  /// Told with the next report, if the number that a report holds is not reached.
  void failed(PeerId client, const std::string& function, std::string text);
  /// Said now and then; `report` has no failures.
  void report(NodeReport report);
  void have(std::vector<ObjectId> objects);
  void drop(std::vector<ObjectId> objects);
  /// Takes no new work from now on. What runs is run to its end; what was not begun is the owner's
  /// to give back.
  void drain();
  /// Nothing is held any more: all was run, and acknowledged.
  bool is_empty() const;
  /// Results that wait for acknowledgement.
  std::uint64_t held_bytes() const;
  void goodbye();

  std::vector<node::Effect> take_effects();
  /// At most one packet, for the scheduler.
  std::vector<Packet> take_outgoing();
  bool is_welcome() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
