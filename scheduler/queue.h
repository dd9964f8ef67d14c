#pragma once

#include "paracord/scheduler/state.h"

/// What is to be assigned next, and who has had how much.
///
/// Fairness. Each root has a virtual time: the slot-nanoseconds that its batches took, divided by
/// its weight. A batch is charged at its assignment with what it is expected to take, and the
/// difference to what it took when it is over. The backlogged root with the least virtual time is
/// served next; one that becomes backlogged starts at the virtual time of the one served last, so
/// that nobody saves up. Hence the virtual times of two roots that are backlogged for the whole of
/// an interval differ, at any moment in it, by at most
///     2 · (largest charge of one batch + Σ |took − expected| of the batches that ended while
///          both were behind by it, at most those in flight) / smaller weight,
/// and with costs that are known by two batches.
///
/// Within a root: higher priority, then deeper nesting, then earlier submission.
namespace paracord::cluster::scheduling {

/// A batch that has its payload and its call.
void enqueue(State& state, std::uint32_t index);
/// For its assignment, or because it is not wanted any more.
void dequeue(State& state, std::uint32_t index);
/// The batch to assign next; `none`: nothing, but for calls that were blocked in this round.
std::uint32_t next_queued(State& state);
/// This root's batches have taken so much more, or less than was thought.
void charge(State& state, Root& root, double nanoseconds);

Root& join_root(State& state, PeerId id, PeerId client, std::uint32_t weight);
void leave_root(State& state, Root& root);

}  // namespace paracord::cluster::scheduling
