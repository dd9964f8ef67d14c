#pragma once

#include "paracord/scheduler/state.h"

/// Work that waits at one node while slots of another are idle, and nothing is queued, is called
/// back: it comes again through its client.
namespace paracord::cluster::scheduling {

void retract(State& state, std::uint32_t index);
/// All that the node has not begun.
void retract_all(State& state, Node& node);
/// Looks now, if there is reason to, and not more often than each balance_interval.
void consider_balance(State& state);
void balance(State& state);

}  // namespace paracord::cluster::scheduling
