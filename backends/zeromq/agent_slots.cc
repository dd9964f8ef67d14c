// NodeAgent: which of the calls that have work here gets which slots.

#include <algorithm>

#include "paracord/backends/zeromq/agent_state.h"
#include "paracord/backends/zeromq/slot_shares.h"

namespace paracord::cluster {

// A call that has something to do here.
struct NodeAgent::State::Share {
  AgentCall* call = nullptr;
  std::deque<Attempt> ready;
  std::size_t order = 0;  // of its first batch that is ready
};

std::vector<NodeAgent::State::Share> NodeAgent::State::shares() {
  std::map<CallKey, Share> all;
  const auto of = [&](const CallKey& key) -> Share& {
    Share& share = all[key];
    share.call = calls.at(key).get();
    return share;
  };
  for (const auto& [attempt, one] : running) {
    if (!one.submitted || one.over) continue;
    // What was sent behind a task that waits is done by others.
    if (!one.parked || calls.at(one.call)->backend().waiting() != 0) (void)of(one.call);
  }
  for (std::size_t i = 0; i != ready.size(); ++i) {
    const CallKey& key = running.at(ready[i]).call;
    if (calls.at(key)->state() != AgentCall::State::ready || is_full(key)) continue;
    Share& share = of(key);
    if (share.ready.empty()) share.order = i;
    share.ready.push_back(ready[i]);
  }
  std::vector<Share> found;
  for (auto& [key, share] : all) found.push_back(std::move(share));
  return found;
}

// Gives batches that are ready to their calls: once for all that this turn has changed. One call
// alone may have its next batches with the workers already. Where several share the slots, what is
// with workers runs.
void NodeAgent::State::pump() {
  if (!std::exchange(pump_due, false)) return;
  std::vector<Share> all = shares();
  if (all.size() == 1) {
    all[0].call->allow_alone(static_cast<int>(slots));
    for (const Attempt& attempt : all[0].ready) submit(attempt);
  } else {
    share_out(all);
  }
  std::erase_if(ready, [&](const Attempt& attempt) { return running.at(attempt).submitted; });
}

void NodeAgent::State::share_out(std::vector<Share>& all) {
  std::vector<SlotShare> wanted;
  for (std::size_t i = 0; i != all.size(); ++i) {
    SlotShare& share = wanted.emplace_back();
    share.id = i;
    share.level = all[i].call->setup().nesting_level;
    share.order = all[i].order;
    share.busy = all[i].call->hold();
    share.waiting = static_cast<int>(all[i].call->backend().waiting());
    share.ready = static_cast<int>(all[i].ready.size());
  }
  share_slots(wanted, static_cast<int>(slots));
  for (const SlotShare& share : wanted) {
    Share& one = all[share.id];
    one.call->allow(share.allowed);
    for (int i = 0; i != share.fresh; ++i) submit(one.ready[static_cast<std::size_t>(i)]);
  }
}

}  // namespace paracord::cluster
