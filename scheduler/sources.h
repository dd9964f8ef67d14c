#pragma once

#include <vector>

#include "paracord/scheduler/state.h"

/// From where a node fetches what it does not have.
namespace paracord::cluster::scheduling {

/// For each need that the node lacks, and that others have: a few of them. From now on the node
/// counts as fetching all that it lacks.
std::vector<ObjectSources> sources_for(State& state, const Batch& batch, Node& node);
/// Nothing runs there any more that could have wanted them.
void forget_fetches(State& state, Node& node);

}  // namespace paracord::cluster::scheduling
