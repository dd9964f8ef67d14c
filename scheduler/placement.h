#pragma once

#include "paracord/scheduler/state.h"

/// Which node gets which batch.
///
/// Credits: a node is sent a batch for each slot that can run, and work for `prefetch` beside it,
/// but at least one more batch for each such slot. Among nodes with credit, the one that holds most
/// bytes of the batch's needs, or is fetching them, and then the one with the least to do for each
/// slot. No batch waits for a node that has its data while another has credit: what waits at a node
/// is bounded by its credit, and so is what a move could save.
namespace paracord::cluster::scheduling {

/// Slots that could run something new now: those of tasks that only wait are not among them.
std::uint32_t usable_slots(const Node& node);
/// Batches that run or wait to run there, but for those whose tasks only wait for others.
std::uint32_t active_batches(const Node& node);
/// After any change of what the node has to do.
void update_load(State& state, Node& node);

bool refuses(const Node& node, const Call& call);
/// There are nodes, some have refused tasks of the call, and none is left that might take them. The
/// refusal belongs to the call: it holds for what is queued and for what is submitted later, until
/// a node joins that has not refused.
bool is_refused_by_all(const State& state, const Call& call);
/// Gives its queued batches back with the refusal, if that is so.
void return_refused(State& state, Call& call);
/// The same for all calls, when nodes are gone or will take nothing more.
void return_refused(State& state);

/// Assigns what is queued, as far as nodes have credit.
void assign_queued(State& state);
/// As told to the client: this batch is with this node.
void tell_assigned(State& state, Client& client, const Batch& batch);
NodeAddress address_of(const Node& node);
/// From the node's account, in which it counts as running.
void end_running(State& state, std::uint32_t index);
/// To the node's account, under the attempt that is named already.
void begin_running(State& state, std::uint32_t index, std::uint32_t node);

}  // namespace paracord::cluster::scheduling
