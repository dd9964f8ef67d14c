#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/scheduler/view.h"

namespace paracord::cluster {

enum class Role : std::uint8_t { client, node };

struct SchedulerOptions {
  Time heartbeat = std::chrono::seconds(1);
  Time suspect_after = std::chrono::seconds(3);  ///< of silence: a node gets no new work
  Time node_lost_after = std::chrono::seconds(15);
  Time client_lost_after = std::chrono::seconds(60);
  /// Since a peer that was heard until then has closed its connection, as it does when it ends, and
  /// has not come back.
  Time node_closed_after = std::chrono::milliseconds(500);
  Time client_closed_after = std::chrono::seconds(10);
  std::uint64_t queue_bytes = std::uint64_t{64} << 20;  ///< per client: not assigned yet
  Time prefetch = std::chrono::milliseconds(4);         ///< of work that a slot may have waiting
  std::string relay{};                                  ///< see Welcome
};

struct Outgoing {
  PeerId peer;
  Packet packet;
};

/// Who runs what, in a cluster. Remembers only what clients and nodes can tell it again.
///
/// A state machine: packets and time come in, packets go out. It neither waits, nor reads a clock,
/// nor draws random numbers other than from its seed.
///
/// Threads: one.
class Scheduler {
 public:
  /// `epoch` is higher than that of any scheduler before it.
  Scheduler(const SchedulerOptions& options, std::uint64_t epoch);
  Scheduler(const Scheduler&) = delete;
  ~Scheduler();

  /// `peer` and `role` as the link has proven them; messages that another role would send are
  /// refused.
  void receive(PeerId peer, Role role, Packet packet, Time now);
  /// Its connection may be gone: something is sent to it soon, which tells.
  void doubt(PeerId peer, Time now);
  /// The link to it is gone, as far as one can know: it counts as silent, and as lost some time
  /// later. May be said more than once.
  void disconnected(PeerId peer, Time now);
  /// This end stood still for so long: what others said meanwhile was not heard.
  void paused(Time length, Time now);
  /// Lets time pass: to be called at next_deadline(), or earlier.
  void tick(Time now);
  Time next_deadline() const;

  /// What is to be sent now, one packet for each peer.
  std::vector<Outgoing> take_outgoing();

  /// `with_history`: also what has ended, in which functions, and what has failed.
  SchedulerView view(Time now, bool with_history = false) const;
  /// Where the data planes of its nodes listen, as they have said.
  std::vector<std::string> data_addresses() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
