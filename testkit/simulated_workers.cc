#include "paracord/testkit/simulated_workers.h"

#include <algorithm>
#include <utility>

#include "paracord/backends/processes/lanes.h"
#include "paracord/backends/zeromq/slot_shares.h"

namespace paracord::testkit {

using namespace cluster;
using std::chrono::microseconds;

namespace {

constexpr std::size_t most_parts = 12;  // as a real worker's

}  // namespace

SimWorkers::SimWorkers(Outside outside, const NodeHello& about)
    : out_(std::move(outside)),
      slots_(static_cast<int>(about.slots)),
      lanes_of_call_(about.slots + about.most_parked + 1) {}

struct SimWorkers::Decisions {
  static detail::LaneChoice look(const Call& call) {
    return detail::look_at_lanes(call.lanes.size(), call.parked, [&](std::size_t i) {
      const Lane& lane = call.lanes[i];
      detail::LaneState state;
      state.has_worker = lane.worker != 0;
      state.parts = static_cast<int>(lane.parts.size());
      state.has_place = lane.parts.size() + lane.passed_over < most_parts;
      if (!lane.parts.empty()) state.at = name_of(lane.parts.front().attempt);
      return state;
    });
  }
  static std::optional<std::size_t> next(const Call& call) {
    return look(call).next(call.most_busy, call.ahead);
  }
  static int busy(const Call& call) { return look(call).busy_count; }
};

void SimWorkers::add(const CallKey& key, std::uint32_t level, const Attempt& attempt,
                     std::uint32_t count) {
  Call& call = calls_[key];
  call.level = level;
  if (call.lanes.empty()) call.lanes.resize(lanes_of_call_);
  batches_[attempt] = {key, count, true, false, 0};
  ready_.push_back(attempt);
  has_changed_ = true;
  pump_soon();
}

bool SimWorkers::has_work(const CallKey& key, const Call& call) const {
  if (!call.backlog.empty()) return true;
  return std::any_of(batches_.begin(), batches_.end(), [&](const auto& entry) {
    return entry.second.call == key && !entry.second.is_over &&
           !call.parked.contains(name_of(entry.first));
  });
}

void SimWorkers::pump_soon() {
  if (std::exchange(is_pump_due_, true)) return;
  out_.world.after(out_.world.between(Time(0), microseconds(50)), [this, lives = out_.lives] {
    if (*lives) pump();
  });
}

void SimWorkers::pump() {
  has_changed_ = true;
  is_pump_due_ = false;
  std::vector<CallKey> with_work;
  for (const auto& [key, call] : calls_) {
    if (has_work(key, call)) with_work.push_back(key);
  }
  if (with_work.size() == 1) {
    Call& call = calls_.at(with_work[0]);
    call.most_busy = slots_;
    call.ahead = true;
    send_backlog(call);
    for (const Attempt& attempt : std::exchange(ready_, {})) submit(attempt);
    return;
  }
  std::vector<SlotShare> wanted;
  for (std::size_t i = 0; i != with_work.size(); ++i) {
    Call& call = calls_.at(with_work[i]);
    hold(call);
    const auto is_its = [&](const Attempt& attempt) {
      return batches_.at(attempt).call == with_work[i];
    };
    SlotShare& share = wanted.emplace_back();
    share.id = i;
    share.level = call.level;
    share.order = static_cast<std::size_t>(std::find_if(ready_.begin(), ready_.end(), is_its) -
                                           ready_.begin());
    share.busy = Decisions::busy(call);
    share.waiting = static_cast<int>(call.backlog.size());
    share.ready = static_cast<int>(std::count_if(ready_.begin(), ready_.end(), is_its));
  }
  share_slots(wanted, slots_);
  for (const SlotShare& share : wanted) {
    Call& call = calls_.at(with_work[share.id]);
    call.most_busy = share.allowed;
    send_backlog(call);
    for (int i = 0; i != share.fresh; ++i) {
      const auto next = std::find_if(ready_.begin(), ready_.end(), [&](const Attempt& attempt) {
        return batches_.at(attempt).call == with_work[share.id];
      });
      const Attempt attempt = *next;
      ready_.erase(next);
      submit(attempt);
    }
  }
}

void SimWorkers::submit(const Attempt& attempt) {
  Batch& batch = batches_.at(attempt);
  batch.is_ready = false;
  batch.parts = 1;
  dispatch(calls_.at(batch.call), {attempt, 0, batch.count});
}

// What is not begun waits, and who has nothing to do is let go.
void SimWorkers::hold(Call& call) {
  call.most_busy = 0;
  call.ahead = false;
  std::deque<Part> taken;
  for (Lane& lane : call.lanes) {
    for (Part& part : take_queued(lane)) taken.push_back(part);
    if (lane.parts.empty()) lane = {};
  }
  call.backlog.insert(call.backlog.begin(), taken.begin(), taken.end());
}

std::deque<SimWorkers::Part> SimWorkers::take_queued(Lane& lane) {
  std::deque<Part> taken;
  while (lane.parts.size() > 1) {
    taken.push_front(lane.parts.back());
    lane.parts.pop_back();
    ++lane.passed_over;
  }
  return taken;
}

void SimWorkers::dispatch(Call& call, Part part) {
  const std::optional<std::size_t> chosen = Decisions::next(call);
  if (!chosen) {
    call.backlog.push_back(part);
    if (!call.ahead) pump_soon();
    return;
  }
  Lane& lane = call.lanes[*chosen];
  if (lane.worker == 0) lane.worker = ++last_worker_;
  lane.parts.push_back(part);
  if (lane.parts.size() == 1) begin_first(lane);
}

void SimWorkers::send_backlog(Call& call) {
  while (!call.backlog.empty() && Decisions::next(call)) {
    const Part part = call.backlog.front();
    call.backlog.pop_front();
    dispatch(call, part);
  }
}

// At once, or after a moment, in which it wakes up.
void SimWorkers::begin_first(const Lane& lane) {
  if (!out_.world.chance(0.25))
    return out_.begin(lane.parts.front().attempt, lane.parts.front().next, lane.worker);
  out_.world.after(out_.world.between(Time(0), microseconds(60)),
                   [this, worker = lane.worker, lives = out_.lives] {
                     if (!*lives) return;
                     for (const auto& [key, call] : calls_) {
                       for (const Lane& known : call.lanes) {
                         if (known.worker != worker || known.parts.empty()) continue;
                         const Part& first = known.parts.front();
                         return out_.begin(first.attempt, first.next, worker);
                       }
                     }
                   });
}

bool SimWorkers::runs(std::uint64_t worker, const Attempt& attempt, std::uint32_t task) const {
  const auto batch = batches_.find(attempt);
  if (batch == batches_.end()) return false;
  const auto call = calls_.find(batch->second.call);
  return call != calls_.end() &&
         std::any_of(call->second.lanes.begin(), call->second.lanes.end(), [&](const Lane& lane) {
           return lane.worker == worker && !lane.parts.empty() &&
                  lane.parts.front().attempt == attempt && lane.parts.front().next == task;
         });
}

void SimWorkers::task_ended(std::uint64_t worker) {
  has_changed_ = true;
  for (auto& [key, call] : calls_) {
    for (std::size_t i = 0; i != call.lanes.size(); ++i) {
      Lane& lane = call.lanes[i];
      if (lane.worker != worker) continue;
      Part& part = lane.parts.front();
      if (++part.next != part.end && !lane.asked_back)
        return out_.begin(part.attempt, part.next, worker);
      const Part ended = part;
      lane.parts.pop_front();
      lane.asked_back = lane.waits = false;
      lane.passed_over = 0;
      if (!lane.parts.empty()) begin_first(lane);
      part_ends(ended.attempt, ended.next == ended.end ? std::nullopt : std::optional(ended));
      send_backlog(call);
      if (!lane.parts.empty()) return;
      share_out(call, i);
      if (call.ahead || !lane.parts.empty()) return;
      lane = {};
      return pump_soon();
    }
  }
}

// The rest of it goes on in halves.
void SimWorkers::part_ends(const Attempt& attempt, std::optional<Part> rest) {
  Batch& batch = batches_.at(attempt);
  --batch.parts;
  if (!rest) return end_if_done(attempt);
  const std::uint32_t middle = rest->next + (rest->end - rest->next) / 2;
  Call& call = calls_.at(batch.call);
  for (const Part& half : {Part{attempt, rest->next, middle}, Part{attempt, middle, rest->end}}) {
    if (half.next == half.end) continue;
    ++batch.parts;
    dispatch(call, half);
  }
}

void SimWorkers::share_out(Call& call, std::size_t idle) {
  Lane* busiest = nullptr;
  for (std::size_t i = 0; i != call.lanes.size(); ++i) {
    Lane& lane = call.lanes[i];
    if (i == idle || lane.worker == 0) continue;
    if (busiest == nullptr || lane.parts.size() > busiest->parts.size()) busiest = &lane;
  }
  if (busiest == nullptr || busiest->parts.empty()) return;
  if (busiest->parts.size() == 1) {
    busiest->asked_back = true;
    return;
  }
  const Part part = busiest->parts.back();
  busiest->parts.pop_back();
  ++busiest->passed_over;
  dispatch(call, part);
}

// The node's loop sees it a little later, and what it is told meanwhile finds the batch still
// there.
void SimWorkers::end_if_done(const Attempt& attempt) {
  Batch& batch = batches_.at(attempt);
  if (batch.parts != 0 || batch.is_ready || std::exchange(batch.is_over, true)) return;
  out_.world.after(
      out_.world.between(Time(0), microseconds(100)), [this, attempt, lives = out_.lives] {
        if (!*lives) return;
        has_changed_ = true;
        const CallKey key = batches_.at(attempt).call;
        batches_.erase(attempt);
        calls_.at(key).parked.erase(name_of(attempt));
        const bool is_last = std::none_of(batches_.begin(), batches_.end(), [&](const auto& entry) {
          return entry.second.call == key;
        });
        if (is_last) calls_.erase(key);
        pump_soon();
        out_.over(attempt);
      });
}

void SimWorkers::give_back(const Attempt& attempt) {
  has_changed_ = true;
  const auto found = batches_.find(attempt);
  if (found == batches_.end() || found->second.is_over) return;
  Batch& batch = found->second;
  Call& call = calls_.at(batch.call);
  if (std::exchange(batch.is_ready, false)) std::erase(ready_, attempt);
  const auto is_its = [&](const Part& part) { return part.attempt == attempt; };
  batch.parts -= static_cast<int>(std::erase_if(call.backlog, is_its));
  for (Lane& lane : call.lanes) {
    if (lane.parts.empty()) continue;
    Part& first = lane.parts.front();
    if (is_its(first)) first.end = first.next + 1;
    const auto queued = lane.parts.begin() + 1;
    const auto kept = std::remove_if(queued, lane.parts.end(), is_its);
    const auto count = lane.parts.end() - kept;
    lane.parts.erase(kept, lane.parts.end());
    lane.passed_over += static_cast<std::size_t>(count);
    batch.parts -= static_cast<int>(count);
  }
  end_if_done(attempt);
}

void SimWorkers::kill(const Attempt& attempt) {
  has_changed_ = true;
  const auto found = batches_.find(attempt);
  if (found == batches_.end() || found->second.is_over) return;
  give_back(attempt);
  Batch& batch = found->second;
  if (batch.is_over) return;
  Call& call = calls_.at(batch.call);
  std::deque<Part> behind;
  for (Lane& lane : call.lanes) {
    if (lane.parts.empty() || lane.parts.front().attempt != attempt) continue;
    for (const Part& part : take_queued(lane)) behind.push_back(part);
    lane = {};
    --batch.parts;
  }
  end_if_done(attempt);
  for (const Part& part : behind) dispatch(call, part);
  send_backlog(call);
  pump_soon();
}

void SimWorkers::park(const Attempt& attempt, bool parked) {
  has_changed_ = true;
  const auto found = batches_.find(attempt);
  if (found == batches_.end() || found->second.is_over) return;
  Call& call = calls_.at(found->second.call);
  pump_soon();
  std::deque<Part> behind;
  for (Lane& lane : call.lanes) {
    if (lane.parts.empty() || lane.parts.front().attempt != attempt) continue;
    lane.waits = parked;
    if (!parked) continue;
    for (const Part& part : take_queued(lane)) behind.push_back(part);
    lane.asked_back = true;
  }
  if (!parked) {
    call.parked.erase(name_of(attempt));
    return;
  }
  call.parked.insert(name_of(attempt));
  for (const Part& part : behind) dispatch(call, part);
  send_backlog(call);
}

std::string SimWorkers::check() {
  if (!std::exchange(has_changed_, false)) return {};
  int busy = 0, with_work = 0;
  bool waits = !ready_.empty(), is_queued = false;
  for (const auto& [key, call] : calls_) {
    // A task that runs behind one which waited, in the same batch, counts before the end of that
    // wait is told.
    const auto at_work = std::count_if(call.lanes.begin(), call.lanes.end(), [](const Lane& lane) {
      return !lane.parts.empty() && !lane.waits;
    });
    busy += std::max(Decisions::busy(call), static_cast<int>(at_work));
    with_work += has_work(key, call);
    waits |= !call.backlog.empty();
    for (const Lane& lane : call.lanes) {
      is_queued |= lane.parts.size() > 1;
      if (lane.parts.size() > 1 && lane.waits)
        return "a task stands behind one that waits for others";
    }
  }
  if (is_pump_due_) return {};
  if (waits && busy < slots_) return "batches are ready, and a slot is free";
  if (with_work > 1 && is_queued) return "a task was sent ahead where several calls have work";
  return {};
}

}  // namespace paracord::testkit
