#pragma once

#include <memory>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/status.h"
#include "paracord/transport/keys.h"

namespace paracord::cluster {

/// A client's or node's link to its scheduler: a DEALER socket, and a watch on its connection,
/// since ZeroMQ itself hides when that comes and goes.
///
/// Packets may be lost where the connection is: the sessions (core/cluster_messages.h) find that
/// out.
///
/// Threads: wake() from any; the rest by one.
class ControlLink {
 public:
  struct Options {
    std::string address;     ///< tcp://host:port or ipc://path
    std::string server_key;  ///< the scheduler's public key; empty: no encryption
    KeyPair keys;
  };
  /// Throws std::invalid_argument for an address that is none.
  explicit ControlLink(const Options& options);
  ControlLink(const ControlLink&) = delete;
  ~ControlLink();

  struct Came {
    bool connected = false;  ///< anew: what was said before may be lost
    bool disconnected = false;
    std::string refused;  ///< why the handshake failed; it is tried again after a while
    std::vector<Packet> packets;
  };
  /// Waits until something has come, or for wake(), or for this long (< 0: for ever).
  Came wait(Time longest);
  /// Lets wait() return.
  void wake();

  /// Does not wait. False: there is no connection, or no room; the packet is lost.
  bool send(const Packet& packet);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
