#include "paracord/scheduler/sessions.h"

#include <algorithm>
#include <utility>

#include "paracord/core/packet_size.h"
#include "paracord/scheduler/limits.h"

namespace paracord::cluster::scheduling {

namespace {

constexpr std::size_t most_reserved = 1024;

}  // namespace

void send(State& state, Session& session, Message message) {
  if (session.number == 0) return;  // a client that nodes have told of, but that is not here
  // As much room as the last packet took: it is given away with each.
  if (session.outbox.empty()) session.outbox.reserve(session.usual_messages);
  session.outbox.push_back(std::move(message));
  session.last_sent = state.now;
  if (std::exchange(session.has_outgoing, true)) return;
  state.outgoing.push_back(&session);
}

void send_apart(State& state, PeerId peer, std::uint64_t about_session, Message message) {
  Outgoing outgoing{peer, {0, about_session, {}}};
  outgoing.packet.messages.push_back(std::move(message));
  state.parting.push_back(std::move(outgoing));
}

Arrival judge(const Session& session, const Packet& packet) {
  if (packet.session < session.number) return Arrival::is_repeated;
  if (packet.session > session.number)
    return packet.sequence == 1 ? Arrival::begins_session : Arrival::has_gap;
  if (packet.sequence <= session.received) return Arrival::is_repeated;
  return packet.sequence == session.received + 1 ? Arrival::counts : Arrival::has_gap;
}

void begin_session(State&, Session& session, std::uint64_t number) {
  session.number = number;
  session.received = 1;
  session.sent = 0;
  session.outbox.clear();
}

void add_peer(State& state, Session& session, PeerId peer, Role role, std::uint32_t index) {
  session.peer = peer;
  session.role = role;
  session.index = index;
  session.last_heard = session.last_sent = state.now;
  state.peers[peer] = &session;
  watch(state, session, state.now + state.options.heartbeat);
}

void remove_peer(State& state, Session& session) {
  std::replace(state.outgoing.begin(), state.outgoing.end(), &session,
               static_cast<Session*>(nullptr));
  state.peers.erase(session.peer);
}

void refuse(State& state, PeerId peer, std::string why) {
  send_apart(state, peer, 0, Refuse{why});
  if (!state.refused.emplace(peer, std::move(why)).second) return;
  state.refused_order.push_back(peer);
  if (state.refused_order.size() <= most_refused_peers) return;
  state.refused.erase(state.refused_order.front());
  state.refused_order.pop_front();
}

void watch(State& state, Session& session, Time at) {
  session.check_at = at;
  state.set_alarm(at, Alarm::peer, session.peer);
}

std::vector<Outgoing> take_outgoing(State& state) {
  std::vector<Outgoing> packets = std::exchange(state.parting, {});
  packets.reserve(packets.size() + state.outgoing.size());
  std::vector<Session*> unfinished;
  for (Session* const session : std::exchange(state.outgoing, {})) {
    if (session == nullptr) continue;
    session->has_outgoing = false;
    session->usual_messages = std::min(session->outbox.size(), most_reserved);
    if (session->outbox.empty()) continue;
    packets.push_back(
        {session->peer, {session->number, ++session->sent, take_packet(session->outbox)}});
    if (session->outbox.empty()) continue;
    session->has_outgoing = true;
    unfinished.push_back(session);
  }
  state.outgoing = std::move(unfinished);
  return packets;
}

}  // namespace paracord::cluster::scheduling
