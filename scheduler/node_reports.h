#pragma once

#include "paracord/scheduler/client_requests.h"
#include "paracord/scheduler/state.h"

/// What a node reports, in its session. A fault: see client_requests.h.
namespace paracord::cluster::scheduling {

Fault on(State& state, Node& node, Results& message);
Fault on(State& state, Node& node, const BatchOver& message);
Fault on(State& state, Node& node, const HaveObjects& message);
Fault on(State& state, Node& node, const DropObjects& message);
Fault on(State& state, Node& node, TaskOutput& message);
Fault on(State& state, Node& node, NodeReport& message);
Fault on(State& state, Node& node, const Drain& message);

void drain(State& state, Node& node);

}  // namespace paracord::cluster::scheduling
