#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/transport/keys.h"

namespace paracord::cluster {

/// What a peer may be, by the key that it has proven to have.
enum class Admission : std::uint8_t { none, client, node, any };

/// The scheduler's end of the links: a ROUTER socket that never waits for a peer and never drops a
/// message in silence.
///
/// A peer that sends what is no packet is banned: its connection, and after several such its key.
/// Everyone else goes on.
///
/// Threads: wake() from any; the rest by one.
class ControlServer {
 public:
  struct Options {
    std::vector<std::string> listen;  ///< tcp://address:port (or :*), ipc://path, ipc://@name
    KeyPair keys;                     ///< empty: no encryption
    /// Who may connect, by public key. Asked where there are keys.
    std::function<Admission(const std::string& public_key)> admits;
    std::function<void(const std::string& line)> log;
    /// Answers a Query; by wait()'s thread. Unset: with an empty object.
    std::function<std::string()> describe;
  };
  /// Throws BackendUnavailable where an address cannot be listened on.
  explicit ControlServer(Options options);
  ControlServer(const ControlServer&) = delete;
  ~ControlServer();

  /// As bound, with the ports that the system has chosen.
  const std::vector<std::string>& addresses() const;

  struct Received {
    PeerId peer;
    Admission role;  ///< as proven; any: not known
    Packet packet;
  };
  /// Waits until something has come, or for wake(), or for this long.
  std::vector<Received> wait(Time longest);
  void wake();
  /// Those whose connection seems to have been closed, since this was last asked. What is sent to
  /// one a few milliseconds later tells whether it is gone.
  std::vector<PeerId> take_doubted();

  enum class Sent { yes, lost, gone };
  /// Does not wait. Lost: its connection has no room; gone: it has none.
  Sent send(PeerId peer, const Packet& packet);
  /// Its packets are not wanted any more.
  void ban(PeerId peer, const std::string& why);

  struct Counters {
    std::uint64_t received_packets, sent_packets, lost_packets, banned_peers, refused_keys;
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
