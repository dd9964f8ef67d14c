// NodeAgent: which of the calls that have work here gets which slots.

#include <algorithm>
#include <limits>

#include "paracord/backends/zeromq/agent_state.h"

namespace paracord::cluster {

// A call that has something to do here.
struct NodeAgent::State::Share {
  AgentCall* call;
  CallKey key;
  std::deque<Attempt> ready;
  std::size_t order = 0;  // of its first batch that is ready
  int in_flight = 0;      // batches that are submitted and not parked
  int allowed = 0;
};

std::vector<NodeAgent::State::Share> NodeAgent::State::shares() {
  std::map<CallKey, Share> all;
  const auto of = [&](const CallKey& key) -> Share& {
    Share& share = all.try_emplace(key).first->second;
    share.call = calls.at(key).get();
    share.key = key;
    return share;
  };
  for (const auto& [attempt, one] : running) {
    if (one.submitted && !one.over && !one.parked) ++of(one.call).in_flight;
    // What was sent behind a task that waits is done by others.
    if (one.submitted && !one.over && one.parked && calls.at(one.call)->backend().waiting() != 0)
      (void)of(one.call);
  }
  for (std::size_t i = 0; i != ready.size(); ++i) {
    const CallKey& key = running.at(ready[i]).call;
    if (calls.at(key)->state() != AgentCall::State::ready || is_full(key)) continue;
    Share& share = of(key);
    if (share.ready.empty()) share.order = i;
    share.ready.push_back(ready[i]);
  }
  std::vector<Share> sorted;
  for (auto& [key, share] : all) sorted.push_back(std::move(share));
  const auto before = [](const Share& share) {
    return std::pair(-static_cast<std::int64_t>(share.call->setup().nesting_level),
                     share.ready.empty() ? std::size_t{0} : share.order);
  };
  std::stable_sort(sorted.begin(), sorted.end(),
                   [&](const Share& a, const Share& b) { return before(a) < before(b); });
  return sorted;
}

int NodeAgent::State::submit_ready(Share& share, int most) {
  int count = 0;
  for (; count != most && !share.ready.empty(); ++count) {
    const Attempt attempt = share.ready.front();
    share.ready.pop_front();
    submit(attempt);
  }
  return count;
}

// Gives batches that are ready to their calls: once for all that this turn has changed. One call
// alone may have its next batches with the workers already.
void NodeAgent::State::pump() {
  if (!std::exchange(pump_due, false)) return;
  std::vector<Share> all = shares();
  if (all.size() == 1) {
    all[0].call->allow_alone(static_cast<int>(slots));
    (void)submit_ready(all[0], std::numeric_limits<int>::max());
  } else {
    share_slots(all);
  }
  std::erase_if(ready, [&](const Attempt& attempt) { return running.at(attempt).submitted; });
}

// Several share the slots: what is with the workers runs, and slots that are free go to the deepest
// calls. So no task stands behind one that waits for it, nor behind others that have not begun.
void NodeAgent::State::share_slots(std::vector<Share>& all) {
  int left = static_cast<int>(slots);
  for (Share& share : all) left -= share.allowed = share.call->hold();
  for (Share& share : all) {
    const int waiting = static_cast<int>(share.call->backend().waiting());
    const int begun = std::clamp(left, 0, waiting);
    left -= begun;
    share.allowed += begun;
    const int fresh = submit_ready(share, std::max(left, 0));
    left -= fresh;
    share.allowed += fresh;
    share.call->allow(share.allowed);
  }
}

}  // namespace paracord::cluster
