#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

/// What the ledger asks its owner to do, in order.
namespace client {
/// A nested call was answered, or any call for the first time.
struct CallReady {
  CallId call;
  bool run_inline;
};
struct ClusterSlots {
  std::uint32_t slots;
};
/// Dial its data plane: it may ask for objects, or have results.
struct DialNode {
  NodeAddress node;
};
struct ForgetNode {
  PeerId node;
  std::string why;
};
/// Results of tasks that had none before: each task comes once in a batch's life, unless the
/// owner says drop_result(). For each: decode it, fetch what it refers to, then keep_result().
struct Arrived {
  BatchId batch;
  Attempt attempt;
  PeerId node;
  std::vector<std::uint32_t> tasks;  ///< of these only; the payload may hold others
  Bytes payload;
};
/// The batch is over, but for these tasks (in [0, count)): submit them again, as new batches with
/// `losses`, or fail them. Empty: all have their results.
struct Over {
  BatchId batch;
  std::vector<std::uint32_t> missing;
  std::uint32_t losses = 0;
  std::int64_t ran_nanoseconds = 0;
  std::string refusal;  ///< no node can run them
};
struct Refused {
  std::string why;
};
/// See Welcome.
struct UseRelay {
  std::string address;
};
/// A node that has gone is forgotten so long after it was last heard of.
struct NodesAreLostAfter {
  Time silence{};
};
/// What tasks of a call have printed; perhaps of one that is closed.
struct Printed {
  TaskOutput output;
};
using Effect = std::variant<CallReady, ClusterSlots, DialNode, ForgetNode, Arrived, Over, Refused,
                            UseRelay, NodesAreLostAfter, Printed>;
}  // namespace client

/// What a client knows of its calls: what was submitted, who runs it, which results are there. The
/// client owns its calls: out of this, any scheduler can be told all of them again.
///
/// A state machine, as the scheduler is: no clock, no socket, no lock.
///
/// Threads: one at a time.
class ClientLedger {
 public:
  struct Identity {
    PeerId client = 0;
    PeerId root = 0;
    std::uint32_t weight = 1;
    std::string name;
  };
  explicit ClientLedger(Identity identity);
  ClientLedger(const ClientLedger&) = delete;
  ~ClientLedger();

  /// The link is there, for the first time or anew: says hello.
  void connected(Time now);
  void receive(Packet packet, Time now);
  void tick(Time now);
  Time next_deadline() const;

  void open_call(OpenCall call);
  /// Takes a batch with an id that was not used before. Held back while the scheduler's queue has
  /// no room for it. Where another thread has cancelled or closed its call meanwhile it comes to
  /// its end at once.
  void submit(Submit batch);
  /// All batches of the call come to their end, with Over; results on their way count no more.
  void cancel_call(CallId call);
  /// After its last batch's Over.
  void close_call(CallId call);
  void waiting(CallId call, bool begins);
  void to_come(CallId call, std::uint64_t tasks);
  /// The result of this task is here, whole. Tells its node.
  void keep_result(BatchId batch, std::uint32_t task);
  /// It cannot be had: the task counts as not run.
  void drop_result(BatchId batch, std::uint32_t task);
  /// Ends the session: the scheduler lets go of all.
  void goodbye();

  std::vector<client::Effect> take_effects();
  /// At most one packet, for the scheduler; what nobody waits for stays here for a moment.
  std::vector<Packet> take_outgoing();
  /// take_outgoing() gives what there is.
  void hurry();
  bool is_welcome() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
