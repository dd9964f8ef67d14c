#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/cluster_ids.h"

namespace paracord::cluster {

/// Passes connections on to nodes, for peers that reach this host and not the nodes: a SOCKS
/// proxy (version 5, RFC 1928, without authentication). With keys the two ends encrypt what they
/// say, and the relay sees none of it. Peers dial through Detours.
///
/// It connects to the addresses that it was told of, and to nothing else. Names are looked up here,
/// so a peer need not know those of the nodes' network.
///
/// Threads: any.
/// Owns:    a thread and its sockets.
class Relay {
 public:
  struct Options {
    std::string listen;  ///< tcp://ADDRESS:PORT; * as either: any
    std::size_t most_connections =
        4096;  ///< within a quarter of the open files; others are turned away
    Time greeting_limit =
        std::chrono::seconds(5);  ///< until it is known where to, and that is reached
  };
  /// Listens from now on. Throws BackendUnavailable, or std::invalid_argument for no address.
  explicit Relay(const Options& options);
  Relay(const Relay&) = delete;
  ~Relay();

  /// With the port that the system has chosen.
  const std::string& address() const;

  /// From now on connections to these addresses (tcp://HOST:PORT), as the peers call them, are
  /// made.
  void allow(const std::vector<std::string>& addresses);

  struct Counters {
    std::uint64_t connections;  ///< now
    std::uint64_t made, refused, bytes;
  };
  Counters counters() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
