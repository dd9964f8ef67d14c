#pragma once

#include <string>

#include "paracord/scheduler/state.h"

/// Sessions of peers: which packets count, and what is to be sent.
namespace paracord::cluster::scheduling {

void send(State& state, Session& session, Message message);
/// Outside of any session.
void send_apart(State& state, PeerId peer, std::uint64_t about_session, Message message);

enum class Arrival { counts, begins_session, is_repeated, has_gap };
Arrival judge(const Session& session, const Packet& packet);
/// What was to be sent in the session before is dropped: the peer's hello asks for all of it.
void begin_session(State& state, Session& session, std::uint64_t number);

void add_peer(State& state, Session& session, PeerId peer, Role role, std::uint32_t index);
/// Before the object that holds the session goes.
void remove_peer(State& state, Session& session);
/// The peer is told why, and nothing more is heard from it.
void refuse(State& state, PeerId peer, std::string why);

/// When the scheduler has to look at this peer again.
void watch(State& state, Session& session, Time at);

std::vector<Outgoing> take_outgoing(State& state);

}  // namespace paracord::cluster::scheduling
