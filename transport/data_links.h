#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "paracord/core/guarded.h"
#include "paracord/transport/data_codec.h"
#include "paracord/transport/data_plane.h"
#include "paracord/transport/detours.h"
#include "paracord/transport/zap.h"

namespace paracord::cluster::data {

/// The sockets of a data plane: one ROUTER where it listens, one DEALER for each peer that it has
/// dialled. Whoever listens knows its peers by the hello with which each begins.
///
/// Who sends what cannot be read is banned: its connection's frames are dropped, and its key, if it
/// has one, is not let in again. The others' connections go on.
///
/// Threads: the plane's.
class DataLinks {
 public:
  /// What a chunk's memory is kept by while it is being sent.
  using Keep = std::shared_ptr<const void>;
  struct Events {
    std::function<void(PeerId from, DataMessage& message)> message;
    std::function<void(PeerId peer)> connected, disconnected;
    /// It cannot be talked to; though that may be tried again.
    std::function<void(PeerId peer, const std::string& why)> refused;
    /// Nothing has answered where it was dialled, for long.
    std::function<void(PeerId peer, const std::string& why)> unreachable;
  };

  DataLinks(const DataPlane::Options& options, Events events);
  ~DataLinks();

  const std::string& address() const { return address_; }
  void dial(const NodeAddress& node);
  void use_relay(const std::string& address) { relay_ = address; }
  void wait_for_losses(Time silence);
  void forget(PeerId peer);
  bool reaches(PeerId peer) const;
  /// The process that the peer is, where it shares memory with this one; 0: it does not.
  std::int32_t neighbour(PeerId peer) const;
  /// Why there is no connection and none to hope for; empty: nothing is known to be wrong.
  std::string trouble(PeerId peer) const;
  /// Does not wait. False: there is no connection, or no room.
  bool send(PeerId peer, const DataMessage& message, const Keep& keep = nullptr);
  /// Waits for messages, or for `wake_fd`, at most this long; calls `woken`, and handles what has
  /// come: so what another thread has asked for comes before messages that answer it.
  void turn(int wake_fd, Time longest, Time now, const std::function<void()>& woken);
  std::uint64_t banned() const { return banned_; }

 private:
  struct Dialled {
    ~Dialled();
    NodeAddress node;
    zmq::socket_t socket, monitor;
    bool connected = false;
    bool relayed = false;
    std::string detour;                     // the address that leads through the relay
    bool turned_away = false;               // by the node itself, in the last handshake
    std::optional<Time> unreachable_since;  // none: there was a connection once
    Time way_since{};                       // directly or through the relay
    int failures = 0;                       // of handshakes, since the last that went well
    std::string trouble;
    std::optional<Time> reopens;  // ZeroMQ itself would not try again
  };
  using Frames = std::vector<zmq::message_t>;
  static void set_options(zmq::socket_t& socket);
  void listen();
  void open(Dialled& dialled);
  void reopen(Dialled& dialled, Time now);
  void reopen_failed(Time now);
  bool is_in_vain(const Dialled& dialled, Time now) const;
  void forgive_pause(Time now);
  void try_other_ways(Time now);
  void probe_routes(Time now);
  void read_monitor(PeerId peer, Time now);
  void handle_event(PeerId peer, Dialled& dialled, int kind, int value, Time now);
  void handshake_failed(PeerId peer, Dialled& dialled, const std::string& why, Time now);
  void read_dialled(PeerId peer);
  void read_router();
  void handle(PeerId from, const std::string& route, Frames& frames);
  void learn(const std::string& route, const Hello& hello);
  void lose_route(const std::string& route);
  void ban(PeerId peer, const std::string& route, Frames& frames, const std::string& why);
  Hello own_hello() const;
  bool send_frames(zmq::socket_t& socket, const std::string* route, const DataMessage& message,
                   const Keep& keep);

  const DataPlane::Options& options_;
  const Events events_;
  detail::Guarded<std::set<std::string>> banned_keys_;
  Detours detours_;
  zmq::context_t context_;
  std::optional<ZapHandler> zap_;
  std::optional<zmq::socket_t> router_;
  std::string address_, relay_;
  std::map<PeerId, std::unique_ptr<Dialled>> dialled_;
  std::map<PeerId, std::string> hopeless_, banned_peers_;  // not dialled, and why
  std::map<PeerId, std::string> routes_;                   // of those who have dialled this end
  std::map<std::string, PeerId> peers_;
  std::map<PeerId, std::int32_t> neighbours_;  // of those who have dialled this end
  std::optional<Landmark> landmark_;
  std::set<std::string> banned_routes_;
  std::vector<zmq::pollitem_t> items_;
  std::vector<PeerId> order_;  // of those dialled, in items_
  bool items_stale_ = true;
  Time probed_{}, turned_{}, losses_known_after_{};
  std::atomic<std::uint64_t> banned_{0};
  std::uint64_t monitors_ = 0;
};

}  // namespace paracord::cluster::data
