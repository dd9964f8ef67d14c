#pragma once

#include <string>

#include "paracord/transport/keys.h"

namespace zmq {
class socket_t;
}

/// What all sockets of a cluster have in common.
namespace paracord::cluster {

/// Options against ZeroMQ's ways to lose work: no lingering, heartbeats, bounded messages and
/// queues, reconnection that slows down.
void set_common_options(zmq::socket_t& socket, std::size_t largest_message);

/// The server's end, before bind(). Without keys only addresses that other users of the machine
/// cannot reach are safe; an ipc:// socket is closed to them here.
void secure_server(zmq::socket_t& socket, const KeyPair& keys, const std::string& domain);
/// The other end, before connect().
void secure_client(zmq::socket_t& socket, const KeyPair& keys, const std::string& server_key);

/// Before the socket to which a monitor tells its events is closed: ZeroMQ's own thread, with all
/// that it serves, would wait for ever for a reader of the next event.
void end_monitor(zmq::socket_t& socket);

/// Throws BackendUnavailable; returns the address as bound.
std::string bind_socket(zmq::socket_t& socket, const std::string& address);

/// What others dial in place of `bound`: where that names no host but "all", `host` stands there.
std::string advertised(const std::string& bound, const std::string& host);

/// The relay that a scheduler at `scheduler` has told of (Welcome::relay); empty: none that could
/// be reached from here.
std::string relay_at(const std::string& relay, const std::string& scheduler);

/// Throws std::invalid_argument, which says what an address looks like.
void check_address(const std::string& address);

}  // namespace paracord::cluster
