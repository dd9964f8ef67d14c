#include "paracord/backends/zeromq/peer_link.h"

#include <algorithm>
#include <utility>

#include "paracord/core/packet_size.h"

namespace paracord::cluster {

namespace {

using std::chrono::milliseconds;

// How long a hello waits for its answer before it is said again: longer each time, and not the same
// for all peers, which otherwise would all come at once behind a restart.
constexpr Time first_patience = milliseconds(500);
constexpr Time most_patience = milliseconds(4000);
// What say_soon() waits for company.
constexpr Time moment = milliseconds(1);

}  // namespace

void PeerLink::connected(Time now) {
  if (state_ == State::ended) return;
  retries_ = 0;
  open_session(now);
}

void PeerLink::open_session(Time now) {
  now_ = now;
  state_ = State::waiting;
  ++session_;
  sent_ = received_ = 0;
  outbox_.clear();
  hello_due_ = true;
  opened_at_ = now;
}

Time PeerLink::patience() const {
  const Time usual = std::min(first_patience * (1u << std::min(retries_, 8u)), most_patience);
  const std::uint64_t noise = (self_ ^ session_ * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u >> 56;
  return usual + usual * static_cast<std::int64_t>(noise) / 512;
}

// False: the packet is to be dropped, or has ended the session.
bool PeerLink::belongs(const Packet& packet, Time now) {
  if (packet.session != session_ || hello_due_) return false;
  if (packet.sequence <= received_) return false;
  if (packet.sequence != received_ + 1) {
    open_session(now);
    return false;
  }
  // A scheduler from before the one that is known, which has not noticed its end.
  if (!packet.messages.empty() && std::holds_alternative<Welcome>(packet.messages.front()) &&
      !accept_welcome(std::get<Welcome>(packet.messages.front())))
    return false;
  if (state_ != State::welcome) return false;
  ++received_;
  return true;
}

bool PeerLink::accept_welcome(const Welcome& welcome) {
  if (welcome.epoch < known_epoch_) return false;
  known_epoch_ = welcome.epoch;
  if (welcome.heartbeat_nanoseconds > 0) heartbeat_ = Time(welcome.heartbeat_nanoseconds);
  state_ = State::welcome;
  retries_ = 0;
  return true;
}

std::vector<Message> PeerLink::receive(Packet packet, Time now) {
  now_ = std::max(now_, now);
  if (state_ == State::ended || state_ == State::unconnected) return {};
  if (packet.session == 0) {
    for (Message& message : packet.messages) {
      if (std::holds_alternative<Refuse>(message)) {
        state_ = State::ended;
        outbox_.clear();
        hello_due_ = false;
        return {std::move(message)};
      }
      const bool is_for_this = packet.sequence == session_ || packet.sequence == 0;
      if (std::holds_alternative<Resync>(message) && is_for_this && !hello_due_) open_session(now);
    }
    return {};
  }
  if (!belongs(packet, now)) return {};
  return std::move(packet.messages);
}

void PeerLink::tick(Time now) {
  now_ = std::max(now_, now);
  if (state_ == State::waiting && !hello_due_ && now_ >= opened_at_ + patience()) {
    ++retries_;
    open_session(now_);
  } else if (state_ == State::welcome && outbox_.empty() && now_ >= last_sent_ + heartbeat_) {
    say(Heartbeat{});
  }
}

Time PeerLink::next_deadline() const {
  if (hello_due_) return now_;
  if (!outbox_.empty()) return is_urgent_ ? now_ : soon_;
  if (state_ == State::waiting) return opened_at_ + patience();
  if (state_ == State::welcome) return last_sent_ + heartbeat_;
  return Time::max();
}

void PeerLink::say_hello(Message hello) {
  if (!std::exchange(hello_due_, false)) return;
  outbox_.push_back(std::move(hello));
  hurry();
}

void PeerLink::say(Message message) {
  say_soon(std::move(message));
  hurry();
}

void PeerLink::say_soon(Message message) {
  if (hello_due_ || state_ == State::unconnected || state_ == State::ended) return;
  if (outbox_.empty()) {
    is_urgent_ = false;
    soon_ = now_ + moment;
  }
  outbox_.push_back(std::move(message));
}

void PeerLink::goodbye() {
  say(Goodbye{});
  hello_due_ = false;
  state_ = State::ended;
}

std::vector<Packet> PeerLink::take_outgoing() {
  std::vector<Packet> packets;
  if (hello_due_ || outbox_.empty() || next_deadline() > now_) return packets;
  packets.push_back({session_, ++sent_, take_packet(outbox_)});
  last_sent_ = now_;
  hurry();  // with what had no room in it
  return packets;
}

}  // namespace paracord::cluster
