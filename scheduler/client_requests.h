#pragma once

#include "paracord/scheduler/state.h"

/// What a client asks for, in its session. A text that is not empty says why the client cannot
/// stay: it has said what no client says.
namespace paracord::cluster::scheduling {

using Fault = std::string;

Fault on(State& state, Client& client, OpenCall& message);
Fault on(State& state, Client& client, Submit& message);
Fault on(State& state, Client& client, const CancelCall& message);
Fault on(State& state, Client& client, const CloseCall& message);
Fault on(State& state, Client& client, const Acknowledge& message);
Fault on(State& state, Client& client, const Waiting& message);
Fault on(State& state, Client& client, const ToCome& message);

/// Opens it, or, where it is open, answers again.
Fault open_call(State& state, Client& client, OpenCall&& open);
/// Calls that nobody could answer before there was a node.
void answer_calls(State& state);

}  // namespace paracord::cluster::scheduling
