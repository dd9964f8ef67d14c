// ProcessesBackend: from a batch to workers.

#include <algorithm>
#include <utility>

#include "paracord/backends/processes/processes_backend.h"

namespace paracord::detail {

void ProcessesBackend::submit(Batch batch, OnDone on_done) {
  const auto count = static_cast<std::uint32_t>(batch.size());
  RemoteTasks* tasks = batch.elsewhere();
  if (tasks == nullptr) return on_done();
  if (pool_->is_an_ancestors())
    return on_done(Status(StatusCode::unavailable, "processes: its call is another process's"));
  auto* remote = new RemoteBatch(*this, std::move(on_done), *tasks, count);
  state_.with([&](State& state) { state.batches.insert(remote); });
  dispatch({remote, 0, count, tasks->first_attempt()});
}

LaneChoice ProcessesBackend::look(const State& state) {
  const std::size_t one_more = std::min(state.lanes.size() + 1, state.most_lanes);
  return look_at_lanes(one_more, state.parked, [&](std::size_t i) {
    LaneState known;
    if (i == state.lanes.size()) return known;
    const Lane& lane = state.lanes[i];
    known.is_starting = lane.starting;
    if (lane.worker == nullptr) return known;
    known.has_worker = true;
    known.is_closed = lane.full || lane.condemned;
    known.parts = lane.worker->parts_in_flight();
    known.has_place = lane.worker->has_place();
    if (known.parts != 0 && !state.parked.empty()) known.at = lane.worker->assignment();
    return known;
  });
}

std::optional<std::size_t> ProcessesBackend::choose(const State& state) {
  return look(state).next(state.most_busy, state.ahead);
}

// How many of the part's tasks go to one worker, where several have nothing to do: they may take
// long, whatever the size of batches was learnt from.
std::uint32_t ProcessesBackend::share_of(const State& state, const BatchPart& part) const {
  const auto& batch_size = call_options_->batch_size;
  if (part.count == 1 || (batch_size && batch_size->count != BatchSize::automatic.count))
    return part.count;
  const LaneChoice lanes = look(state);
  // One of those that were never used is counted already.
  const auto unused = static_cast<int>(state.most_lanes - state.lanes.size());
  const int free_lanes = lanes.free_count + std::max(unused - 1, 0);
  const int free = std::min(free_lanes, state.most_busy - lanes.busy_count);
  if (free <= 1) return part.count;
  const auto workers = static_cast<std::uint32_t>(free);
  return (part.count + workers - 1) / workers;
}

void ProcessesBackend::dispatch(BatchPart part) {
  std::optional<BatchPart> rest(std::move(part));
  while (rest) {
    Status trouble;
    std::optional<BatchPart> others;
    const auto place = state_.with([&](State& state) -> std::optional<Place> {
      trouble = rest->batch->aborted ? Status(StatusCode::cancelled, "aborted") : state.trouble;
      if (!trouble.ok()) return std::nullopt;
      if (const std::uint32_t share = share_of(state, *rest); share < rest->count) {
        others.emplace(
            BatchPart{rest->batch, rest->first + share, rest->count - share, rest->attempt});
        rest->count = share;
      }
      const auto chosen = choose(state);
      if (!chosen) {
        state.backlog.push_back(std::move(*rest));
        return std::nullopt;
      }
      if (*chosen == state.lanes.size()) state.lanes.emplace_back();
      Lane& lane = state.lanes[*chosen];
      ++lane.senders;
      // Others that choose meanwhile count the part.
      if (lane.worker == nullptr)
        lane.starting = true;
      else
        lane.worker->expect_part();
      return Place{*chosen, lane.worker};
    });
    if (!trouble.ok()) return refuse(*std::move(rest), trouble);
    if (place) {
      rest = send(*place, *std::move(rest));
      // Where nothing of it could be sent, its call may be over.
      if (relay_ && stop_sending(place->lane)) tell_of_change();
    } else {
      rest.reset();
      tell_of_change();
    }
    if (!others) continue;
    if (rest)
      dispatch(*std::move(others));
    else
      rest = std::move(others);
  }
}

// Returns whether its worker has nothing to do: who looked at that meanwhile has passed it over.
bool ProcessesBackend::stop_sending(std::size_t number) {
  return state_.with([&](State& state) {
    if (number >= state.lanes.size()) return false;
    Lane& lane = state.lanes[number];
    return --lane.senders == 0 && lane.worker != nullptr && lane.worker->parts_in_flight() == 0;
  });
}

// Sends to this worker, or to one that is started for the lane. Returns what is left.
std::optional<BatchPart> ProcessesBackend::send(Place place, BatchPart part) {
  const BatchPart whole{part.batch, part.first, part.count, part.attempt};
  const std::uint64_t aborts_before = aborts_.load();
  WorkerHandle& worker = place.worker;
  WorkerProcess::Sent sent;
  Status trouble;
  try {
    if (worker == nullptr) worker = lease(place.lane);
    std::optional<BatchPart> behind = within_quota(*worker, part);
    const bool has_several = part.count > 1;
    sent = worker->send(std::move(part));
    if (worker->is_lost.load()) {
      forget(place.lane, *worker);
    } else if (!sent.any && worker->parts_in_flight() == 0) {
      part_over(*worker);  // it has passed for one with work to do
    }
    if (sent.behind) send_again(*std::move(sent.behind));
    if (behind) send_again(*std::move(behind));
    // An abort that came meanwhile has not seen what was sent; nor has one who parked the task that
    // this worker is at.
    if (aborts_.load() != aborts_before) abort_in(*worker);
    if (relay_ && stands_behind_parked(*worker)) (void)take_back_and_share(*worker);
    if (!caller_waits_) pool_->watch();
    // One that is idle has looked before this part was there; where two send at the same time, the
    // later one sees both parts.
    const bool has_rest = has_several || worker->parts_in_flight() > 1;
    if (has_rest && had_nothing_.exchange(false)) feed_idle_workers();
    return std::move(sent.rest);
  } catch (const SerializationError& error) {
    trouble = Status(StatusCode::not_encodable, error.what());
  } catch (const std::exception& error) {
    trouble = Status(StatusCode::unavailable, error.what());
  }
  state_.with([&](State& state) {
    state.trouble = trouble;
    state.lanes[place.lane].starting = false;
  });
  refuse(whole, trouble);
  send_backlog();  // so will those be that have waited for this worker
  return std::nullopt;
}

bool ProcessesBackend::stands_behind_parked(WorkerProcess& worker) {
  return worker.parts_in_flight() > 1 && state_.with([&](State& state) {
    return !state.parked.empty() && state.parked.contains(worker.assignment());
  });
}

WorkerHandle ProcessesBackend::lease(std::size_t lane) {
  WorkerProcess::Call call = call_;
  call.worker = static_cast<int>(lane);
  WorkerHandle worker = pool_->lease(spec_, call);
  try {
    if (call_options_->initializer) worker->send_initializer(id_, *call_options_->initializer);
  } catch (...) {
    pool_->give_back(*worker, false);
    throw;
  }
  state_.with([&](State& state) {
    clear(state.lanes[lane]);
    state.lanes[lane].worker = worker;
    worker->expect_part();
  });
  return worker;
}

// A worker that ended before its lane knew of it is in nobody's way any more.
void ProcessesBackend::forget(std::size_t lane, const WorkerProcess& lost) {
  state_.with([&](State& state) {
    if (state.lanes[lane].worker.get() == &lost) clear(state.lanes[lane]);
  });
}

// Cuts `part` to what the worker may still run; returns the rest.
std::optional<BatchPart> ProcessesBackend::within_quota(WorkerProcess& worker, BatchPart& part) {
  if (!options_.max_tasks_per_worker) return std::nullopt;
  const std::uint64_t sent = worker.tasks_sent();
  const std::uint64_t allowed =
      std::max<std::uint64_t>(*options_.max_tasks_per_worker, sent + 1) - sent;
  if (part.count < allowed) return std::nullopt;
  state_.with([&](State& state) {
    for (Lane& lane : state.lanes) lane.full |= lane.worker.get() == &worker;
  });
  const auto kept = static_cast<std::uint32_t>(std::min<std::uint64_t>(part.count, allowed));
  if (kept == part.count) return std::nullopt;
  BatchPart behind{part.batch, part.first + kept, part.count - kept, part.attempt};
  part.count = kept;
  return behind;
}

}  // namespace paracord::detail
