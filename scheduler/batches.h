#pragma once

#include "paracord/scheduler/state.h"

/// The table of batches, and the lists that run through it.
namespace paracord::cluster::scheduling {

void push_back(State& state, BatchList& list, std::uint32_t index);
void remove(State& state, BatchList& list, std::uint32_t index);

/// Known to its client by this id; in no list yet.
std::uint32_t add_batch(State& state, Client& client, BatchId id);
/// In no list any more.
void free_batch(State& state, std::uint32_t index);

/// `none`: no such attempt is known.
std::uint32_t find_attempt(const State& state, const Attempt& attempt);
/// A name for its next assignment.
Attempt next_attempt(State& state, std::uint32_t index);
/// An assignment that another scheduler has made, or this one, before it gave it up.
void adopt_attempt(State& state, std::uint32_t index, const Attempt& attempt);

/// The list of a batch that is queued, unsettled, running or over.
BatchList& list_of(State& state, const Batch& batch);

/// What a task of this call costs, in nanoseconds.
double cost_of_task(const State& state, const Call& call);
void learn_cost(State& state, Call& call, double nanoseconds_per_task);

}  // namespace paracord::cluster::scheduling
