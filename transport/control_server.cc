#include "paracord/transport/control_server.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>
#include <utility>
#include <zmq.hpp>

#include "paracord/core/errors.h"
#include "paracord/core/guarded.h"
#include "paracord/transport/packet_codec.h"
#include "paracord/transport/sockets.h"
#include "paracord/transport/zap.h"

namespace paracord::cluster {

namespace {

constexpr int most_packets_of_peers = 256;   // handled in one go
constexpr std::size_t most_banned = 10'000;  // remembered
constexpr int offences_of_a_banned_key = 10;
constexpr const char* zap_domain = "paracord-control";

Admission role_named(const std::string& name) {
  if (name == "client") return Admission::client;
  return name == "node" ? Admission::node : Admission::any;
}

std::string name_of(Admission role) {
  if (role == Admission::client) return "client";
  return role == Admission::node ? "node" : "any";
}

// Who says hello in it, if anyone does.
PeerId peer_in(const Packet& packet) {
  if (packet.messages.empty()) return 0;
  if (const auto* client = std::get_if<ClientHello>(&packet.messages.front()))
    return client->client;
  if (const auto* node = std::get_if<NodeHello>(&packet.messages.front())) return node->node;
  return 0;
}

bool is_query(const Packet& packet) {
  return packet.messages.size() == 1 && std::holds_alternative<Query>(packet.messages.front());
}

}  // namespace

struct ControlServer::State {
  explicit State(Options given)
      : options(std::move(given)), wake_fd(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (!options.keys.empty()) {
      zap.emplace(context, [this](std::string_view, std::string_view key) { return decide(key); });
    }
    socket.emplace(context, zmq::socket_type::router);
    set_common_options(*socket, largest_packet);
    secure_server(*socket, options.keys, zap_domain);
    socket->set(zmq::sockopt::router_mandatory, true);
    constexpr const char* watch = "inproc://control-monitor";
    zmq_socket_monitor(socket->handle(), watch, ZMQ_EVENT_DISCONNECTED);
    monitor.emplace(context, zmq::socket_type::pair);
    monitor->set(zmq::sockopt::linger, 0);
    monitor->connect(watch);
    for (const std::string& address : options.listen)
      addresses.push_back(bind_socket(*socket, address));
  }
  ~State() {
    end_monitor(*socket);
    monitor.reset();
    socket.reset();
    zap.reset();
    close(wake_fd);
  }

  // By the handler's thread.
  std::optional<std::string> decide(std::string_view key) {
    const std::string printed(key);
    const bool banned = banned_keys.with([&](auto& keys) { return keys.contains(printed); });
    const Admission role = banned || !options.admits ? Admission::none : options.admits(printed);
    if (role != Admission::none) return name_of(role) + " " + printed;
    refused_keys.fetch_add(1);
    log("turned away a peer with the key '" + printed +
        "', which is not among the authorised ones");
    return std::nullopt;
  }

  void log(const std::string& line) {
    if (options.log) options.log(line);
  }

  void receive(zmq::message_t& from, zmq::message_t& body, std::vector<Received>& all) {
    const std::string route(from.data<char>(), from.size());
    if (banned_routes.contains(route)) return;
    const char* user = zmq_msg_gets(body.handle(), "User-Id");
    const std::string proven = user == nullptr ? "" : user;
    const Admission role =
        proven.empty() ? Admission::any : role_named(proven.substr(0, proven.find(' ')));
    Received received{0, role, {}};
    const Status read =
        decode_packet(std::span(body.data<std::byte>(), body.size()), received.packet);
    if (!read.ok()) return ban_route(route, proven, read.message());
    if (is_query(received.packet)) return answer(route);
    const PeerId said = peer_in(received.packet);
    const auto known = peers.find(route);
    if (said != 0) {
      if (!learn(said, route, proven)) return;
      if (const int fd = zmq_msg_get(body.handle(), ZMQ_SRCFD); fd >= 0) peer_of[fd] = said;
    } else if (known == peers.end()) {
      // From before a restart of this end: it shall say who it is.
      return ask_again(route);
    }
    received.peer = said != 0 ? said : known->second;
    all.push_back(std::move(received));
  }

  // One peer may come by a new connection; but not under another's name with another key.
  bool learn(PeerId peer, const std::string& route, const std::string& proven) {
    const auto before = routes.find(peer);
    if (before != routes.end() && before->second.proven != proven) {
      ban_route(route, proven, "it calls itself what a peer with another key is");
      return false;
    }
    if (before != routes.end() && before->second.route != route) peers.erase(before->second.route);
    routes[peer] = {route, proven};
    peers[route] = peer;
    return true;
  }

  // Events name descriptors, which others may have by now.
  void read_monitor() {
    zmq::message_t event, address;
    while (monitor->recv(event, zmq::recv_flags::dontwait)) {
      (void)monitor->recv(address, zmq::recv_flags::dontwait);
      struct {
        std::uint16_t kind;
        std::int32_t fd;
      } told{};
      if (event.size() != sizeof told.kind + sizeof told.fd) continue;
      std::memcpy(&told.fd, event.data<char>() + sizeof told.kind, sizeof told.fd);
      const auto found = peer_of.find(told.fd);
      if (found == peer_of.end()) continue;
      doubted.push_back(found->second);
      peer_of.erase(found);
    }
  }

  void answer(const std::string& route) {
    (void)send_to(route, Packet{0, 0, {Answer{options.describe ? options.describe() : "{}"}}});
  }

  void ask_again(const std::string& route) { (void)send_to(route, Packet{0, 0, {Resync{}}}); }

  Sent send_to(const std::string& route, const Packet& packet) {
    const std::string bytes = encode_packet(packet);
    try {
      const auto flags = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
      if (!socket->send(zmq::buffer(route), flags)) return ++counters.lost_packets, Sent::lost;
      (void)socket->send(zmq::buffer(bytes), zmq::send_flags::dontwait);
    } catch (const zmq::error_t& error) {
      if (error.num() == EHOSTUNREACH) return Sent::gone;
      throw;
    }
    ++counters.sent_packets;
    return Sent::yes;
  }

  // Several programs may have one key: a single one that has gone mad does not cost the others
  // their cluster.
  void note_offence(const std::string& key) {
    if (++offences[key] < offences_of_a_banned_key) return;
    log("banned the key '" + key + "': peers that have it keep sending what is no packet");
    banned_keys.with([&](auto& keys) { keys.insert(key); });
  }

  void ban_route(const std::string& route, const std::string& proven, const std::string& why) {
    ++counters.banned_peers;
    log("banned a peer" + (proven.empty() ? std::string() : " (" + proven + ")") + ": " + why);
    (void)send_to(route, Packet{0, 0, {Refuse{"banned by the scheduler: " + why}}});
    banned_routes.insert(route);
    banned_order.push_back(route);
    if (banned_order.size() > most_banned) {
      banned_routes.erase(banned_order.front());
      banned_order.pop_front();
    }
    const std::size_t space = proven.find(' ');
    if (space != std::string::npos) note_offence(proven.substr(space + 1));
    const auto known = peers.find(route);
    if (known == peers.end()) return;
    routes.erase(known->second);
    peers.erase(known);
  }

  const Options options;
  const int wake_fd;
  zmq::context_t context;
  std::optional<ZapHandler> zap;
  std::optional<zmq::socket_t> socket, monitor;
  std::vector<std::string> addresses;
  struct Route {
    std::string route, proven;
  };
  std::unordered_map<PeerId, Route> routes;
  std::unordered_map<std::string, PeerId> peers;  // by route
  std::unordered_map<int, PeerId> peer_of;        // by the descriptor of its connection
  std::vector<PeerId> doubted;
  std::set<std::string> banned_routes;
  std::deque<std::string> banned_order;
  std::map<std::string, int> offences;  // by key
  detail::Guarded<std::set<std::string>> banned_keys;
  std::atomic<std::uint64_t> refused_keys{0};
  Counters counters{};
};

ControlServer::ControlServer(Options options)
    : state_(std::make_unique<State>(std::move(options))) {}

ControlServer::~ControlServer() = default;

const std::vector<std::string>& ControlServer::addresses() const {
  return state_->addresses;
}

std::vector<ControlServer::Received> ControlServer::wait(Time longest) {
  State& state = *state_;
  std::vector<Received> all;
  std::array<zmq::pollitem_t, 3> items{{{state.socket->handle(), 0, ZMQ_POLLIN, 0},
                                        {nullptr, state.wake_fd, ZMQ_POLLIN, 0},
                                        {state.monitor->handle(), 0, ZMQ_POLLIN, 0}}};
  const auto milliseconds = longest.count() < 0 ? -1 : (longest.count() + 999'999) / 1'000'000;
  try {
    zmq::poll(items.data(), items.size(), std::chrono::milliseconds(milliseconds));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return all;
  }
  if (items[1].revents != 0) {
    std::uint64_t wakes = 0;
    (void)!read(state.wake_fd, &wakes, sizeof wakes);
  }
  if (items[2].revents != 0) state.read_monitor();
  zmq::message_t from, body, surplus;
  for (int i = 0; i != most_packets_of_peers; ++i) {
    if (!state.socket->recv(from, zmq::recv_flags::dontwait)) break;
    ++state.counters.received_packets;
    if (!from.more()) continue;
    (void)state.socket->recv(body, zmq::recv_flags::dontwait);
    bool single = true;
    for (bool more = body.more(); more; more = surplus.more()) {
      single = false;
      (void)state.socket->recv(surplus, zmq::recv_flags::dontwait);
    }
    if (single) {
      state.receive(from, body, all);
    } else {
      state.ban_route(std::string(from.data<char>(), from.size()), "",
                      "a packet of several frames");
    }
  }
  return all;
}

std::vector<PeerId> ControlServer::take_doubted() {
  return std::exchange(state_->doubted, {});
}

void ControlServer::wake() {
  const std::uint64_t one = 1;
  (void)!write(state_->wake_fd, &one, sizeof one);
}

ControlServer::Sent ControlServer::send(PeerId peer, const Packet& packet) {
  const auto found = state_->routes.find(peer);
  if (found == state_->routes.end()) return Sent::gone;
  return state_->send_to(found->second.route, packet);
}

void ControlServer::ban(PeerId peer, const std::string& why) {
  const auto found = state_->routes.find(peer);
  if (found == state_->routes.end()) return;
  const State::Route route = found->second;
  state_->ban_route(route.route, route.proven, why);
}

ControlServer::Counters ControlServer::counters() const {
  Counters counters = state_->counters;
  counters.refused_keys = state_->refused_keys.load();
  return counters;
}

}  // namespace paracord::cluster
