#include "paracord/transport/data_links.h"

#include <cerrno>
#include <cstring>

#include "paracord/transport/sockets.h"

namespace paracord::cluster::data {

namespace {

constexpr const char* zap_domain = "paracord-data";
constexpr std::size_t most_frames = 4;
constexpr int most_messages = 32;  // of one socket, before the others' turn
constexpr std::size_t most_banned = 10'000;

// Cap'n Proto reads words where they are aligned as such; small messages of ZeroMQ are not.
std::span<const std::byte> aligned(const zmq::message_t& frame, std::vector<std::uint64_t>& copy) {
  const std::span bytes(frame.data<std::byte>(), frame.size());
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(std::uint64_t) == 0) return bytes;
  copy.resize(bytes.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return {reinterpret_cast<const std::byte*>(copy.data()), bytes.size()};
}

// All frames of one message; false: there is none.
bool receive(zmq::socket_t& socket, std::vector<zmq::message_t>& frames) {
  frames.clear();
  do {
    frames.emplace_back();
    if (!socket.recv(frames.back(), zmq::recv_flags::dontwait)) return false;
    if (frames.size() > most_frames + 2) frames.pop_back();
    if (frames.empty()) return false;
  } while (socket.get(zmq::sockopt::rcvmore) != 0);
  return true;
}

void release(void*, void* hint) {
  delete static_cast<DataLinks::Keep*>(hint);
}

}  // namespace

DataLinks::DataLinks(const DataPlane::Options& options, OnMessage on_message, OnPeer on_connected,
                     OnPeer on_disconnected)
    : options_(options),
      on_message_(std::move(on_message)),
      on_connected_(std::move(on_connected)),
      on_disconnected_(std::move(on_disconnected)) {
  if (options_.listen.empty()) return;
  if (!options_.keys.empty() && options_.admits) {
    zap_.emplace(context_, [this](std::string_view, std::string_view key) {
      return options_.admits(key) ? std::optional<std::string>("peer") : std::nullopt;
    });
  }
  router_.emplace(context_, zmq::socket_type::router);
  set_common_options(*router_, largest_frame);
  secure_server(*router_, options_.keys, zap_domain);
  router_->set(zmq::sockopt::router_mandatory, true);
  address_ = bind_socket(*router_, options_.listen);
}

DataLinks::~DataLinks() {
  dialled_.clear();
  router_.reset();
  zap_.reset();
}

void DataLinks::dial(const NodeAddress& node) {
  if (node.node == options_.self || dialled_.contains(node.node)) return;
  open(node);
}

void DataLinks::open(const NodeAddress& node) {
  auto dialled =
      std::make_unique<Dialled>(Dialled{node, zmq::socket_t(context_, zmq::socket_type::dealer),
                                        zmq::socket_t(context_, zmq::socket_type::pair), false});
  set_common_options(dialled->socket, largest_frame);
  secure_client(dialled->socket, options_.keys, node.data_key);
  const std::string watch = "inproc://data-monitor-" + std::to_string(++monitors_);
  zmq_socket_monitor(dialled->socket.handle(), watch.c_str(),
                     ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED);
  dialled->monitor.set(zmq::sockopt::linger, 0);
  dialled->monitor.connect(watch);
  dialled->socket.connect(node.data_address);
  dialled_[node.node] = std::move(dialled);
}

void DataLinks::forget(PeerId peer) {
  dialled_.erase(peer);
  if (const auto route = routes_.extract(peer); !route.empty()) peers_.erase(route.mapped());
}

bool DataLinks::reaches(PeerId peer) const {
  const auto dialled = dialled_.find(peer);
  return routes_.contains(peer) || (dialled != dialled_.end() && dialled->second->connected);
}

bool DataLinks::send(PeerId peer, const DataMessage& message, const Keep& keep) {
  const auto dialled = dialled_.find(peer);
  if (dialled != dialled_.end() && dialled->second->connected)
    return send_frames(dialled->second->socket, nullptr, message, keep);
  const auto route = routes_.find(peer);
  if (route == routes_.end() || !router_) return false;
  return send_frames(*router_, &route->second, message, keep);
}

bool DataLinks::send_frames(zmq::socket_t& socket, const std::string* route,
                            const DataMessage& message, const Keep& keep) {
  bool sent = true;
  try {
    const auto more = zmq::send_flags::dontwait | zmq::send_flags::sndmore;
    if (route != nullptr) sent = socket.send(zmq::buffer(*route), more).has_value();
    encode(message, [&](std::span<const std::byte> frame, bool is_chunk, bool last) {
      if (!sent) return;
      const auto flags = last ? zmq::send_flags::dontwait : more;
      if (is_chunk && keep != nullptr) {
        zmq::message_t part(const_cast<std::byte*>(frame.data()), frame.size(), release,
                            new Keep(keep));
        sent = socket.send(part, flags).has_value();
      } else {
        sent = socket.send(zmq::const_buffer(frame.data(), frame.size()), flags).has_value();
      }
    });
  } catch (const zmq::error_t& error) {
    if (error.num() != EHOSTUNREACH) throw;
    // The peer's connection is gone; it dials anew, and says hello.
    const auto peer = peers_.extract(*route);
    if (peer.empty()) return false;
    routes_.erase(peer.mapped());
    on_disconnected_(peer.mapped());
    return false;
  }
  return sent;
}

void DataLinks::read_monitor(Dialled& dialled) {
  zmq::message_t event, address;
  while (dialled.monitor.recv(event, zmq::recv_flags::dontwait)) {
    (void)dialled.monitor.recv(address, zmq::recv_flags::dontwait);
    std::uint16_t kind = 0;
    if (event.size() >= sizeof kind) std::memcpy(&kind, event.data(), sizeof kind);
    dialled.connected = kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED;
    if (dialled.connected) {
      (void)send_frames(dialled.socket, nullptr, Hello{protocol_version, options_.self}, nullptr);
      on_connected_(dialled.node.node);
    } else {
      on_disconnected_(dialled.node.node);
    }
  }
}

void DataLinks::read_dialled(Dialled& dialled) {
  const PeerId peer = dialled.node.node;
  std::vector<zmq::message_t> frames;
  for (int i = 0; i != most_messages; ++i) {
    const auto found = dialled_.find(peer);  // what has come may have ended it
    if (found == dialled_.end() || !receive(found->second->socket, frames)) return;
    handle(peer, "", frames);
  }
}

void DataLinks::read_router() {
  std::vector<zmq::message_t> frames;
  for (int i = 0; i != most_messages && receive(*router_, frames); ++i) {
    const std::string route = frames.front().to_string();
    if (banned_routes_.contains(route)) continue;
    frames.erase(frames.begin());
    const auto peer = peers_.find(route);
    handle(peer == peers_.end() ? 0 : peer->second, route, frames);
  }
}

void DataLinks::handle(PeerId from, const std::string& route, std::vector<zmq::message_t>& frames) {
  std::vector<std::span<const std::byte>> parts;
  std::vector<std::vector<std::uint64_t>> copies(frames.size());
  for (std::size_t i = 0; i != frames.size(); ++i) parts.push_back(aligned(frames[i], copies[i]));
  DataMessage message;
  const Status read = decode(parts, message);
  const auto* hello = read.ok() ? std::get_if<Hello>(&message) : nullptr;
  if (hello != nullptr && !route.empty()) return learn(route, *hello);
  if (!read.ok() || from == 0) {
    ++banned_;
    if (route.empty()) return forget(from);
    if (banned_routes_.size() < most_banned) banned_routes_.insert(route);
    return forget(from);
  }
  on_message_(from, message);
}

void DataLinks::learn(const std::string& route, const Hello& hello) {
  if (hello.protocol != protocol_version || hello.peer == 0) return;
  const auto before = routes_.find(hello.peer);
  if (before != routes_.end()) peers_.erase(before->second);
  routes_[hello.peer] = route;
  peers_[route] = hello.peer;
  on_connected_(hello.peer);
}

void DataLinks::turn(int wake_fd, Time longest) {
  std::vector<zmq::pollitem_t> items{{nullptr, wake_fd, ZMQ_POLLIN, 0}};
  if (router_) items.push_back({router_->handle(), 0, ZMQ_POLLIN, 0});
  std::vector<PeerId> order;
  for (auto& [peer, dialled] : dialled_) {
    order.push_back(peer);
    items.push_back({dialled->socket.handle(), 0, ZMQ_POLLIN, 0});
    items.push_back({dialled->monitor.handle(), 0, ZMQ_POLLIN, 0});
  }
  const auto milliseconds = longest.count() < 0 ? -1 : (longest.count() + 999'999) / 1'000'000;
  try {
    zmq::poll(items, std::chrono::milliseconds(milliseconds));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    return;
  }
  std::size_t next = 1;
  if (router_ && items[next++].revents != 0) read_router();
  for (const PeerId peer : order) {
    const bool came = items[next++].revents != 0;
    const bool changed = items[next++].revents != 0;
    const auto dialled = dialled_.find(peer);
    if (dialled == dialled_.end()) continue;
    if (changed) read_monitor(*dialled->second);
    if (came && dialled_.contains(peer)) read_dialled(*dialled_.at(peer));
  }
}

}  // namespace paracord::cluster::data
