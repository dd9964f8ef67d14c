#include "paracord/transport/sockets.h"

#include <unistd.h>

#include <stdexcept>
#include <string_view>
#include <zmq.hpp>

#include "paracord/core/errors.h"

namespace paracord::cluster {

namespace {

constexpr int heartbeat_milliseconds = 2000;
constexpr int silence_milliseconds = 8000;
constexpr int first_retry_milliseconds = 20;
constexpr int longest_retry_milliseconds = 2000;
constexpr int connect_milliseconds = 3000;
constexpr int handshake_milliseconds = 10'000;
constexpr int most_messages = 100'000;  // a second fence: sessions and windows keep below it
constexpr int backlog = 1024;

}  // namespace

void set_common_options(zmq::socket_t& socket, std::size_t largest_message) {
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::ipv6, true);
  socket.set(zmq::sockopt::maxmsgsize, static_cast<std::int64_t>(largest_message));
  socket.set(zmq::sockopt::sndhwm, most_messages);
  socket.set(zmq::sockopt::rcvhwm, most_messages);
  socket.set(zmq::sockopt::immediate, true);
  socket.set(zmq::sockopt::backlog, backlog);
  socket.set(zmq::sockopt::heartbeat_ivl, heartbeat_milliseconds);
  socket.set(zmq::sockopt::heartbeat_timeout, silence_milliseconds);
  socket.set(zmq::sockopt::heartbeat_ttl, silence_milliseconds);
  socket.set(zmq::sockopt::reconnect_ivl, first_retry_milliseconds);
  socket.set(zmq::sockopt::reconnect_ivl_max, longest_retry_milliseconds);
  socket.set(zmq::sockopt::handshake_ivl, handshake_milliseconds);
  // A host that has gone does not answer at all, and its name may mean another one by now.
  socket.set(zmq::sockopt::connect_timeout, connect_milliseconds);
}

void secure_server(zmq::socket_t& socket, const KeyPair& keys, const std::string& domain) {
  const auto self = static_cast<int>(getuid());
  if (keys.empty()) {
    // Of ipc sockets only; tcp has no users.
    (void)zmq_setsockopt(socket.handle(), ZMQ_IPC_FILTER_UID, &self, sizeof self);
    return;
  }
  socket.set(zmq::sockopt::curve_server, true);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket.set(zmq::sockopt::curve_publickey, keys.public_key);
  socket.set(zmq::sockopt::zap_domain, domain);
}

void secure_client(zmq::socket_t& socket, const KeyPair& keys, const std::string& server_key) {
  if (server_key.empty()) return;
  socket.set(zmq::sockopt::curve_serverkey, server_key);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket.set(zmq::sockopt::curve_publickey, keys.public_key);
}

void end_monitor(zmq::socket_t& socket) {
  if (socket.handle() != nullptr) (void)zmq_socket_monitor(socket.handle(), nullptr, 0);
}

std::string bind_socket(zmq::socket_t& socket, const std::string& address) {
  check_address(address);
  try {
    socket.bind(address);
  } catch (const zmq::error_t& error) {
    throw BackendUnavailable("cannot listen on " + address + ": " + error.what() +
                             (error.num() == EADDRINUSE ? "; another process does already" : ""));
  }
  return socket.get(zmq::sockopt::last_endpoint);
}

std::string advertised(const std::string& bound, const std::string& host) {
  const bool is_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
  const std::string named = is_v6 ? "[" + host + "]" : host;
  // The third is what a socket for both kinds of addresses calls the first.
  for (const char* all : {"tcp://0.0.0.0:", "tcp://[::]:", "tcp://[::ffff:0.0.0.0]:", "tcp://*:"}) {
    if (bound.starts_with(all)) return "tcp://" + named + bound.substr(bound.rfind(':'));
  }
  return bound;
}

std::string relay_at(const std::string& relay, const std::string& scheduler) {
  constexpr std::string_view tcp = "tcp://";
  if (!relay.starts_with(tcp) || !scheduler.starts_with(tcp)) return {};
  return advertised(relay, scheduler.substr(tcp.size(), scheduler.rfind(':') - tcp.size()));
}

void check_address(const std::string& address) {
  constexpr std::size_t longest_path = 107;  // of a UNIX socket
  const auto refuse = [&](const std::string& what) {
    throw std::invalid_argument("'" + address + "' is no address: " + what +
                                "; write tcp://HOST:PORT or ipc:///PATH");
  };
  if (address.starts_with("ipc://")) {
    const std::string path = address.substr(6);
    if (path.empty()) refuse("it has no path");
    if (path.size() > longest_path) refuse("a socket's path has at most 107 characters");
    return;
  }
  if (!address.starts_with("tcp://")) refuse("it begins neither with tcp:// nor with ipc://");
  const std::size_t colon = address.rfind(':');
  const std::string port = address.substr(colon + 1);
  const bool is_number = !port.empty() && port.size() <= 5 &&
                         port.find_first_not_of("0123456789") == std::string::npos &&
                         std::stoi(port) <= 65535;
  if (colon <= 6 || (!is_number && port != "*")) refuse("it has no host, or no port");
}

}  // namespace paracord::cluster
