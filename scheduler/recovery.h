#pragma once

#include "paracord/scheduler/client_requests.h"
#include "paracord/scheduler/state.h"

/// What peers tell of themselves at the begin of a session, and how it is brought together: with
/// what is known here, and, after a restart of the scheduler, with what other peers tell.
namespace paracord::cluster::scheduling {

Fault on_hello(State& state, Client& client, ClientHello& hello);
Fault on_hello(State& state, Node& node, NodeHello& hello);

/// The nodes that were to come have come, or will not: what nobody holds is queued.
void settle(State& state, Client& client);

}  // namespace paracord::cluster::scheduling
