#pragma once

#include "paracord/scheduler/state.h"

/// Calls inside tasks. A task that waits for its own calls lends its slot: its node may run one
/// more batch meanwhile, for at most `most_parked` tasks at once. A task that would wait without a
/// parking place takes a slot away from the cluster for as long. At least one slot of all must stay
/// with tasks that wait for nobody, so that something always ends: a call by which the last such
/// slot would be taken runs inline, in its task.
///
/// Nodes that go take slots with them that were counted on. Where, behind that, all slots wait, one
/// more than `most_parked` is lent: what is queued would never run otherwise.
namespace paracord::cluster::scheduling {

/// Decides whether the call runs inline; if not, its task counts as one that may wait.
bool must_run_inline(State& state, const Call& call);
/// The call may wait: its task has a place among those that do.
void begin_nested(State& state, Call& call);
void end_nested(State& state, Call& call);
void set_waiting(State& state, Call& call, bool begins);
/// The attempt has ended, whatever its calls do.
void forget_waiter(State& state, const Attempt& attempt);
/// Something is queued, and no node has credit; or none of those that would run this call's tasks.
/// False: there is no need, or nothing that could be lent.
bool lend_in_need(State& state, const Call* call);
/// A node has (come back and) said hello: what waits there is lent anew.
void restore_waiters(State& state, Node& node);

}  // namespace paracord::cluster::scheduling
