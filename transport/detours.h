#pragma once

#include <memory>
#include <string>

namespace paracord::cluster {

/// The dialling end of a Relay: for an address behind it, a socket of this machine that leads
/// there. (ZeroMQ dials through such proxies itself; but the version in Debian 12 ends the program
/// when a socket is closed whose proxy could not be reached.)
///
/// Threads: any.
/// Owns:    a thread, from the first open() on, and its sockets. They end with the program's static
///          objects at the latest, and open() throws from then on.
class Detours {
 public:
  struct State;
  Detours();
  Detours(const Detours&) = delete;
  ~Detours();

  /// An ipc:// address; whoever connects to it is connected to `target` through `relay` (both
  /// tcp://HOST:PORT), or disconnected, where that cannot be. Throws std::system_error.
  std::string open(const std::string& relay, const std::string& target);
  /// Nobody new; connections that there are go on.
  void close(const std::string& address);

 private:
  std::shared_ptr<State> state_;
};

}  // namespace paracord::cluster
