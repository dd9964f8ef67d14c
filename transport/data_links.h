#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>
#include <zmq.hpp>

#include "paracord/transport/data_codec.h"
#include "paracord/transport/data_plane.h"
#include "paracord/transport/zap.h"

namespace paracord::cluster::data {

/// The sockets of a data plane: one ROUTER where it listens, one DEALER for each peer that it has
/// dialled. Whoever listens knows its peers by the hello with which each begins.
///
/// Threads: the plane's.
class DataLinks {
 public:
  /// What a chunk's memory is kept by while it is being sent.
  using Keep = std::shared_ptr<const void>;
  using OnMessage = std::function<void(PeerId from, DataMessage& message)>;
  using OnPeer = std::function<void(PeerId peer)>;

  DataLinks(const DataPlane::Options& options, OnMessage on_message, OnPeer on_connected,
            OnPeer on_disconnected);
  ~DataLinks();

  const std::string& address() const { return address_; }
  void dial(const NodeAddress& node);
  void forget(PeerId peer);
  bool reaches(PeerId peer) const;
  /// Does not wait. False: there is no connection, or no room.
  bool send(PeerId peer, const DataMessage& message, const Keep& keep = nullptr);
  /// Waits for messages, or for `wake_fd`, at most this long; handles what has come.
  void turn(int wake_fd, Time longest);
  std::uint64_t banned() const { return banned_; }

 private:
  struct Dialled {
    NodeAddress node;
    zmq::socket_t socket, monitor;
    bool connected = false;
  };
  void open(const NodeAddress& node);
  void read_monitor(Dialled& dialled);
  void read_dialled(Dialled& dialled);
  void read_router();
  void handle(PeerId from, const std::string& route, std::vector<zmq::message_t>& frames);
  void learn(const std::string& route, const Hello& hello);
  bool send_frames(zmq::socket_t& socket, const std::string* route, const DataMessage& message,
                   const Keep& keep);

  const DataPlane::Options& options_;
  const OnMessage on_message_;
  const OnPeer on_connected_, on_disconnected_;
  zmq::context_t context_;
  std::optional<ZapHandler> zap_;
  std::optional<zmq::socket_t> router_;
  std::string address_;
  std::map<PeerId, std::unique_ptr<Dialled>> dialled_;
  std::map<PeerId, std::string> routes_;  // of those who have dialled this end
  std::map<std::string, PeerId> peers_;
  std::set<std::string> banned_routes_;
  std::uint64_t banned_ = 0, monitors_ = 0;
};

}  // namespace paracord::cluster::data
