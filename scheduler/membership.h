#pragma once

#include <string>

#include "paracord/scheduler/state.h"

/// Who is in the cluster: who comes, falls silent, and goes.
namespace paracord::cluster::scheduling {

/// By its first hello, or, `present` not yet, because a node holds something of its.
Client& add_client(State& state, PeerId id, PeerId root, std::uint32_t weight);
Node& add_node(State& state, PeerId id);

/// Whatever it had is gone: clients are told, and given back what was not done.
void lose_node(State& state, Node& node, const std::string& why);
/// Nodes are told to stop, and to let go.
void remove_client(State& state, Client& client);

/// It has just been heard.
void hear(State& state, Session& session);
void suspect(State& state, Node& node);
/// Makes a heartbeat due soon.
void probe(State& state, Session& session);
/// Its connection is gone.
void close_connection(State& state, Session& session);
/// Nobody was silent while this end did not listen.
void forgive_silence(State& state, Time length);
void set_slots(State& state, Node& node, std::uint32_t slots);
void tell_slots(State& state);
/// Looks after one peer: silence, and heartbeats.
void check_peer(State& state, Session& session);

}  // namespace paracord::cluster::scheduling
