// DataLinks: connections to those who listen, and what becomes of them.

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string_view>
#include <utility>
#include <vector>

#include "paracord/transport/clock.h"
#include "paracord/transport/data_links.h"
#include "paracord/transport/sockets.h"

namespace paracord::cluster::data {

namespace {

constexpr Time first_pause = std::chrono::milliseconds(50);
constexpr Time pause_at_relay = std::chrono::milliseconds(200);
constexpr int most_doubled_pauses = 6;
// From then on nobody counts on the peer, though it is tried again.
constexpr int most_failures = 3;
// Then ZeroMQ should have begun to connect again.
constexpr Time retry_begins = std::chrono::seconds(2);
// Until a loss that has been noticed is known everywhere.
constexpr Time news_of_losses = std::chrono::seconds(5);
// Between two turns of a plane that runs: it waits for half a second at most.
constexpr Time longest_turn = std::chrono::seconds(3);
// A connection through the relay is two, with a name to look up between them.
constexpr int patience_with_relay = 3;

constexpr int watched = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED |
                        ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL | ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL |
                        ZMQ_EVENT_HANDSHAKE_FAILED_AUTH | ZMQ_EVENT_CONNECT_RETRIED |
                        ZMQ_EVENT_CONNECT_DELAYED;

constexpr std::string_view tcp = "tcp://";

struct Event {
  int kind = 0, value = 0;
};

// The first frame of a monitor's message: 16 bits of kind, 32 of value.
bool next_event(zmq::socket_t& monitor, Event& event) {
  zmq::message_t frame, address;
  if (!monitor.recv(frame, zmq::recv_flags::dontwait)) return false;
  (void)monitor.recv(address, zmq::recv_flags::dontwait);
  std::uint16_t kind = 0;
  std::uint32_t value = 0;
  if (frame.size() >= sizeof kind + sizeof value) {
    std::memcpy(&kind, frame.data(), sizeof kind);
    std::memcpy(&value, frame.data<std::byte>() + sizeof kind, sizeof value);
  }
  event = {kind, static_cast<int>(value)};
  return true;
}

std::string unreachable_text(const NodeAddress& node, const std::string& relay) {
  const std::string text =
      "the node " + node.name + " cannot be reached at " + node.data_address + " from here";
  if (relay.empty()) {
    return text +
           "; open that port to this host, or start the scheduler with --relay-listen, "
           "which passes connections on";
  }
  return text + ", nor through the scheduler's relay at " + relay +
         "; open one of these ports to this host";
}

std::string reason(const Event& event) {
  switch (event.kind) {
    case ZMQ_EVENT_HANDSHAKE_FAILED_AUTH:
      return "it does not let this key in";
    case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
      return "the handshake went wrong; does only one end use keys?";
    default:
      return std::string("it ended the handshake (") + zmq_strerror(event.value) +
             "); is its key another one than was told, or does only one end use keys?";
  }
}

}  // namespace

void DataLinks::dial(const NodeAddress& node) {
  if (node.node == options_.self || dialled_.contains(node.node)) return;
  if (banned_peers_.contains(node.node))
    return events_.refused(node.node, banned_peers_[node.node]);
  auto dialled = std::make_unique<Dialled>();
  dialled->node = node;
  dialled->unreachable_since = dialled->way_since = now();
  hopeless_.erase(node.node);
  try {
    check_address(node.data_address);
    open(*dialled);
  } catch (const std::exception& error) {
    hopeless_[node.node] = "the peer " + node.name + " cannot be dialled at '" + node.data_address +
                           "': " + error.what();
    events_.refused(node.node, hopeless_[node.node]);
    return;
  }
  dialled_[node.node] = std::move(dialled);
  items_stale_ = true;
}

void DataLinks::open(Dialled& dialled) {
  dialled.connected = false;
  dialled.reopens.reset();
  end_monitor(dialled.socket);
  dialled.monitor.close();
  dialled.socket = zmq::socket_t(context_, zmq::socket_type::dealer);
  set_options(dialled.socket);
  secure_client(dialled.socket, options_.keys, dialled.node.data_key);
  const std::string watch = "inproc://data-monitor-" + std::to_string(++monitors_);
  if (zmq_socket_monitor(dialled.socket.handle(), watch.c_str(), watched) != 0)
    throw zmq::error_t();
  dialled.monitor = zmq::socket_t(context_, zmq::socket_type::pair);
  dialled.monitor.set(zmq::sockopt::linger, 0);
  dialled.monitor.connect(watch);
  if (!dialled.detour.empty()) detours_.close(std::exchange(dialled.detour, {}));
  if (dialled.relayed) dialled.detour = detours_.open(relay_, dialled.node.data_address);
  dialled.socket.connect(dialled.relayed ? dialled.detour : dialled.node.data_address);
}

DataLinks::Dialled::~Dialled() {
  end_monitor(socket);
}

void DataLinks::forget(PeerId peer) {
  hopeless_.erase(peer);
  if (const auto dialled = dialled_.extract(peer); !dialled.empty()) {
    if (!dialled.mapped()->detour.empty()) detours_.close(dialled.mapped()->detour);
    items_stale_ = true;
  }
  if (const auto route = routes_.extract(peer); !route.empty()) peers_.erase(route.mapped());
  neighbours_.erase(peer);
}

std::string DataLinks::trouble(PeerId peer) const {
  if (reaches(peer)) return "";
  if (const auto known = hopeless_.find(peer); known != hopeless_.end()) return known->second;
  if (const auto known = banned_peers_.find(peer); known != banned_peers_.end())
    return known->second;
  const auto dialled = dialled_.find(peer);
  const bool failed = dialled != dialled_.end() && dialled->second->failures >= most_failures;
  return failed ? dialled->second->trouble : "";
}

void DataLinks::reopen(Dialled& dialled, Time now) {
  items_stale_ = true;
  try {
    open(dialled);
  } catch (const std::exception&) {  // out of sockets or descriptors, for now
    dialled.reopens = now + retry_begins;
  }
}

void DataLinks::reopen_failed(Time now) {
  for (auto& [peer, dialled] : dialled_) {
    if (dialled->reopens && now >= *dialled->reopens) reopen(*dialled, now);
  }
}

// This process was stopped for a while: that says nothing about peers.
void DataLinks::forgive_pause(Time now) {
  const Time pause = turned_ == Time{} ? Time{} : now - turned_;
  turned_ = now;
  if (pause < longest_turn) return;
  for (auto& [peer, dialled] : dialled_) {
    dialled->way_since += pause;
    if (dialled->unreachable_since) *dialled->unreachable_since += pause;
  }
}

void DataLinks::wait_for_losses(Time silence) {
  losses_known_after_ = silence + news_of_losses;
}

// Whether the other way should be tried: there is one, and this one leads nowhere.
bool DataLinks::is_in_vain(const Dialled& dialled, Time now) const {
  if (!relay_.starts_with(tcp)) return dialled.relayed;  // it is there no more
  if (!dialled.node.data_address.starts_with(tcp)) return false;
  const Time patience = options_.relay_after * (dialled.relayed ? patience_with_relay : 1);
  // Something answers in its place, a wall perhaps; once more, and nobody would count on it.
  const bool is_walled = !dialled.relayed && dialled.failures == most_failures - 1;
  return is_walled || now - dialled.way_since > patience;
}

// Where nothing answers, directly and through the relay in turn.
void DataLinks::try_other_ways(Time now) {
  const Time patience = std::max(options_.unreachable_after, losses_known_after_);
  std::vector<std::pair<PeerId, std::string>> unreachable;
  for (auto& [peer, dialled] : dialled_) {
    if (dialled->connected || dialled->turned_away) continue;
    if (is_in_vain(*dialled, now)) {
      dialled->relayed = !dialled->relayed;
      dialled->way_since = now;
      dialled->failures = 0;
      reopen(*dialled, now);
    }
    if (dialled->unreachable_since && now - *dialled->unreachable_since > patience) {
      dialled->unreachable_since = now;
      unreachable.emplace_back(peer, unreachable_text(dialled->node, relay_));
    }
  }
  for (const auto& [peer, why] : unreachable) events_.unreachable(peer, why);
}

void DataLinks::read_monitor(PeerId peer, Time now) {
  Event event;
  while (true) {
    const auto found = dialled_.find(peer);
    if (found == dialled_.end() || !next_event(found->second->monitor, event)) return;
    handle_event(peer, *found->second, event.kind, event.value, now);
  }
}

void DataLinks::handle_event(PeerId peer, Dialled& dialled, int kind, int value, Time now) {
  if (kind == ZMQ_EVENT_CONNECT_RETRIED || kind == ZMQ_EVENT_CONNECT_DELAYED) {
    if (dialled.failures == 0) dialled.reopens.reset();
  } else if (kind == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    dialled.connected = true;
    dialled.turned_away = false;
    dialled.unreachable_since.reset();
    dialled.failures = 0;
    dialled.reopens.reset();
    (void)send_frames(dialled.socket, nullptr, own_hello(), nullptr);
    events_.connected(peer);
  } else if (kind == ZMQ_EVENT_DISCONNECTED) {
    const bool was = std::exchange(dialled.connected, false);
    if (was) dialled.way_since = now;
    // Where the other end broke ZeroMQ's protocol, it does not connect again.
    if (!dialled.reopens) dialled.reopens = now + retry_begins;
    if (was) events_.disconnected(peer);
  } else if (dialled.relayed && kind == ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL) {
    // The relay has ended it, or could not be reached: the node itself has said nothing.
    dialled.reopens = now + pause_at_relay;
  } else {
    dialled.turned_away = kind == ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
    handshake_failed(peer, dialled, reason({kind, value}), now);
  }
}

void DataLinks::handshake_failed(PeerId peer, Dialled& dialled, const std::string& why, Time now) {
  dialled.trouble = "the peer " + dialled.node.name + " at " + dialled.node.data_address +
                    " cannot be connected to: " + why;
  dialled.reopens = now + first_pause * (1 << std::min(dialled.failures, most_doubled_pauses));
  if (++dialled.failures >= most_failures) events_.refused(peer, std::string(dialled.trouble));
}

}  // namespace paracord::cluster::data
