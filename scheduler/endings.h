#pragma once

#include <string>

#include "paracord/scheduler/state.h"

/// How batches and calls leave the tables.
namespace paracord::cluster::scheduling {

/// The client is told that it may submit it again.
void return_batch(State& state, std::uint32_t index, bool lost, std::string refusal = {});
/// Nobody wants it any more: its node, if any, is told to stop, and keeps its place in the node's
/// account until it says that it has.
void abandon_batch(State& state, std::uint32_t index);
/// Its attempt is over. What came of it waits for acknowledgement.
void end_batch(State& state, std::uint32_t index);
/// Has ended, and all that came of it was acknowledged: forgotten.
void forget_if_settled(State& state, std::uint32_t index);

/// All batches of the client, or of one call of it.
std::vector<std::uint32_t> batches_of(State& state, const Client& client, const Call* call);
/// With all its batches. Nodes are told.
void drop_call(State& state, Client& client, CallId id);

}  // namespace paracord::cluster::scheduling
