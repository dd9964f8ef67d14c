#include "paracord/transport/data_links.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "paracord/transport/sockets.h"

namespace paracord::cluster::data {

namespace {

constexpr const char* zap_domain = "paracord-data";
constexpr std::size_t most_frames = 4;
constexpr int most_messages = 32;  // of one socket, before the others' turn
constexpr int most_queued = 64;    // messages; windows keep below it
constexpr int small_messages_queued = 4096;
constexpr std::size_t most_banned = 10'000;
constexpr int stuck_milliseconds = 20'000;
constexpr int most_sockets = 16'384;  // of the context: three for each peer

// Cap'n Proto reads words where they are aligned as such; small messages of ZeroMQ are not.
std::span<const std::byte> aligned(const zmq::message_t& frame, std::vector<std::uint64_t>& copy) {
  const std::span bytes(frame.data<std::byte>(), frame.size());
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % sizeof(std::uint64_t) == 0) return bytes;
  copy.resize(bytes.size() / sizeof(std::uint64_t) + 1);
  std::memcpy(copy.data(), bytes.data(), bytes.size());
  return {reinterpret_cast<const std::byte*>(copy.data()), bytes.size()};
}

// All frames of one message, or one more than any has; false: there is none.
bool receive(zmq::socket_t& socket, std::vector<zmq::message_t>& frames) {
  frames.clear();
  do {
    if (frames.size() > most_frames + 1) frames.pop_back();
    frames.emplace_back();
    if (!socket.recv(frames.back(), zmq::recv_flags::dontwait)) return false;
  } while (frames.back().more());
  return true;
}

// What a frame's memory is kept by. The flag shows the hand-over to race detectors, which do not
// see into ZeroMQ.
struct Kept {
  explicit Kept(DataLinks::Keep by) : keep(std::move(by)) {
    handed_over.store(true, std::memory_order_release);
  }
  DataLinks::Keep keep;
  std::atomic<bool> handed_over{false};
};

void release(void*, void* hint) {
  const auto* kept = static_cast<Kept*>(hint);
  (void)kept->handed_over.load(std::memory_order_acquire);
  delete kept;
}

}  // namespace

void DataLinks::set_options(zmq::socket_t& socket) {
  set_common_options(socket, largest_frame);
  socket.set(zmq::sockopt::rcvhwm, most_queued);
  socket.set(zmq::sockopt::sndhwm, small_messages_queued);
  // A peer that is stopped, and reads no more, must not hold what it was being sent for ever.
  socket.set(zmq::sockopt::tcp_maxrt, stuck_milliseconds);
}

DataLinks::DataLinks(const DataPlane::Options& options, Events events)
    : options_(options), events_(std::move(events)) {
  context_.set(zmq::ctxopt::max_sockets,
               std::min(most_sockets, context_.get(zmq::ctxopt::socket_limit)));
  if (options_.shares_memory) landmark_.emplace();
  if (!options_.listen.empty()) listen();
}

Hello DataLinks::own_hello() const {
  return {protocol_version, options_.self, landmark_ ? landmark_->about() : Whereabouts{}};
}

std::int32_t DataLinks::neighbour(PeerId peer) const {
  const auto known = neighbours_.find(peer);
  return known == neighbours_.end() ? 0 : known->second;
}

void DataLinks::listen() {
  if (!options_.keys.empty()) {
    zap_.emplace(context_, [this](std::string_view, std::string_view key) {
      std::optional<std::string> name(key);
      const bool banned = banned_keys_.with([&](const auto& keys) { return keys.contains(*name); });
      if (banned || (options_.admits && !options_.admits(key))) name.reset();
      return name;
    });
  }
  router_.emplace(context_, zmq::socket_type::router);
  set_options(*router_);
  secure_server(*router_, options_.keys, zap_domain);
  router_->set(zmq::sockopt::router_mandatory, true);
  address_ = bind_socket(*router_, options_.listen);
}

DataLinks::~DataLinks() {
  dialled_.clear();
  router_.reset();
  zap_.reset();
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
  const std::string to = route->second;
  return send_frames(*router_, &to, message, keep);
}

// A message whose first frame has found room finds room for the others.
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
                            new Kept(keep));
        sent = socket.send(part, flags).has_value();
      } else {
        sent = socket.send(zmq::const_buffer(frame.data(), frame.size()), flags).has_value();
      }
    });
  } catch (const zmq::error_t& error) {
    if (error.num() == EAGAIN) return false;
    if (error.num() != EHOSTUNREACH || route == nullptr) throw;
    lose_route(*route);  // the peer dials anew, and says hello
    return false;
  }
  return sent;
}

void DataLinks::lose_route(const std::string& route) {
  const auto peer = peers_.extract(route);
  if (peer.empty()) return;
  routes_.erase(peer.mapped());
  neighbours_.erase(peer.mapped());
  events_.disconnected(peer.mapped());
}

void DataLinks::read_dialled(PeerId peer) {
  Frames frames;
  for (int i = 0; i != most_messages; ++i) {
    const auto found = dialled_.find(peer);  // what has come may have ended it
    if (found == dialled_.end() || !receive(found->second->socket, frames)) return;
    handle(peer, "", frames);
  }
}

void DataLinks::read_router() {
  Frames frames;
  for (int i = 0; i != most_messages && receive(*router_, frames); ++i) {
    const std::string route = frames.front().to_string();
    if (banned_routes_.contains(route)) continue;
    frames.erase(frames.begin());
    const auto peer = peers_.find(route);
    handle(peer == peers_.end() ? 0 : peer->second, route, frames);
  }
}

void DataLinks::handle(PeerId from, const std::string& route, Frames& frames) {
  std::vector<std::span<const std::byte>> parts;
  std::vector<std::vector<std::uint64_t>> copies(frames.size());
  for (std::size_t i = 0; i != frames.size(); ++i) parts.push_back(aligned(frames[i], copies[i]));
  DataMessage message;
  const Status read = decode(parts, message);
  if (!read.ok()) return ban(from, route, frames, read.message());
  if (const auto* hello = std::get_if<Hello>(&message)) {
    if (!route.empty()) learn(route, *hello);
    return;
  }
  const auto* cannot = std::get_if<Cannot>(&message);
  if (cannot != nullptr && cannot->object == ObjectId{}) {
    if (from != 0) events_.refused(from, cannot->why);
  } else if (from != 0) {  // else: of one who has been forgotten, or whose hello was refused
    events_.message(from, message);
  }
}

void DataLinks::learn(const std::string& route, const Hello& hello) {
  if (hello.protocol != protocol_version || hello.peer == 0 || hello.peer == options_.self) {
    const Cannot why{{},
                     "the peer speaks version " + std::to_string(protocol_version) +
                         " of the data protocol, and was greeted in version " +
                         std::to_string(hello.protocol) + " by peer " + std::to_string(hello.peer)};
    (void)send_frames(*router_, &route, why, nullptr);
    return;
  }
  const auto before = routes_.find(hello.peer);
  if (before != routes_.end() && before->second == route) return;
  if (before != routes_.end()) lose_route(std::string(before->second));
  if (const auto other = peers_.find(route); other != peers_.end()) routes_.erase(other->second);
  routes_[hello.peer] = route;
  peers_[route] = hello.peer;
  neighbours_.erase(hello.peer);
  if (options_.shares_memory && shares_memory(hello.whereabouts))
    neighbours_[hello.peer] = hello.whereabouts.process;
  events_.connected(hello.peer);
}

void DataLinks::ban(PeerId peer, const std::string& route, Frames& frames, const std::string& why) {
  banned_.fetch_add(1);
  const char* key = zmq_msg_gets(frames.back().handle(), "User-Id");
  if (key != nullptr && *key != '\0')
    banned_keys_.with([&](auto& keys) { keys.insert(std::string(key)); });
  if (!route.empty()) {
    if (banned_routes_.size() >= most_banned) banned_routes_.clear();
    banned_routes_.insert(route);
  }
  if (peer == 0) return;
  forget(peer);
  if (banned_peers_.size() >= most_banned) banned_peers_.clear();
  const std::string told = "the peer " + std::to_string(peer) + " is banned: " + why;
  banned_peers_[peer] = told;
  events_.disconnected(peer);
  events_.refused(peer, told);
}

// Who has dialled this end, and is gone without a word, is found out by talking to it.
void DataLinks::probe_routes(Time now) {
  if (!router_ || now - probed_ < options_.silence) return;
  probed_ = now;
  std::vector<std::string> routes;
  for (const auto& [peer, route] : routes_) routes.push_back(route);
  for (const std::string& route : routes) (void)send_frames(*router_, &route, own_hello(), nullptr);
}

void DataLinks::turn(int wake_fd, Time longest, Time now, const std::function<void()>& woken) {
  forgive_pause(now);
  reopen_failed(now);
  try_other_ways(now);
  probe_routes(now);
  if (items_stale_) {
    items_ = {{nullptr, wake_fd, ZMQ_POLLIN, 0}};
    order_.clear();
    if (router_) items_.push_back({router_->handle(), 0, ZMQ_POLLIN, 0});
    for (auto& [peer, dialled] : dialled_) {
      order_.push_back(peer);
      items_.push_back({dialled->socket.handle(), 0, ZMQ_POLLIN, 0});
      items_.push_back({dialled->monitor.handle(), 0, ZMQ_POLLIN, 0});
    }
    items_stale_ = false;
  }
  try {
    zmq::poll(items_, std::chrono::ceil<std::chrono::milliseconds>(longest));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    for (auto& item : items_) item.revents = 0;
  }
  woken();
  std::size_t next = 1;
  if (router_ && items_[next++].revents != 0) read_router();
  // Peers may be forgotten or reopened meanwhile: then there is nothing to read yet, which is seen.
  for (const PeerId peer : order_) {
    const bool came = items_[next++].revents != 0;
    const bool changed = items_[next++].revents != 0;
    if (changed) read_monitor(peer, now);
    if (came) read_dialled(peer);
  }
}

}  // namespace paracord::cluster::data
