// ProcessesBackend: what becomes of the parts that workers were sent.

#include <algorithm>
#include <utility>

#include "paracord/backends/processes/processes_backend.h"

namespace paracord::detail {

namespace {

constexpr int most_failed_starts = 3;
constexpr auto time_between_memory_looks = std::chrono::seconds(1);

}  // namespace

void ProcessesBackend::batch_over(RemoteBatch& batch) {
  const Status trouble = batch.trouble.with([](Status& status) { return status; });
  OnDone on_done = std::move(batch.on_done);
  const bool last = state_.with([&](State& state) {
    state.batches.erase(&batch);
    return state.batches.empty();
  });
  delete &batch;
  on_done(trouble);
  if (last) pool_->interrupt();
}

// Tasks that come back are shared out in halves: they go to as many workers as have nothing to do.
void ProcessesBackend::send_again(BatchPart part) {
  const std::uint32_t half = part.count / 2;
  BatchPart second{part.batch, part.first + half, part.count - half, part.attempt};
  if (half != 0) dispatch({part.batch, part.first, half, part.attempt});
  dispatch(std::move(second));
}

void ProcessesBackend::part_over(WorkerProcess& worker) {
  WorkerHandle worn_out;
  bool spare = false;
  state_.with([&](State& state) {
    state.failed_starts = 0;
    for (Lane& lane : state.lanes) {
      if (lane.worker.get() != &worker) continue;
      lane.full = lane.full || has_grown(lane);
      if (lane.condemned && !worker.holds_stopped()) {
        lane.condemned = false;
        spare = true;
      }
      if (!lane.full || worker.parts_in_flight() != 0) continue;
      worn_out = lane.worker;
      clear(lane);
    }
  });
  if (spare || worker.parts_in_flight() == 0) pool_->spare(worker);
  if (worn_out != nullptr) pool_->give_back(*worn_out, false);
  send_backlog();
  if (worn_out == nullptr && worker.parts_in_flight() == 0) {
    share_out(worker);
  } else if (had_nothing_.exchange(false)) {
    // It goes on with its next part. Others may have looked for work just when it was about to
    // begin that one.
    feed_idle_workers();
  }
  tell_of_change();
}

// It had none until now: it was not looked at when parts were shared out.
void ProcessesBackend::place_free(WorkerProcess& worker) {
  send_backlog();
  if (worker.parts_in_flight() == 0) share_out(worker);
  tell_of_change();
}

// Somebody who sends to it meanwhile is still its sender.
void ProcessesBackend::clear(Lane& lane) {
  const int senders = lane.senders;
  lane = {};
  lane.senders = senders;
}

void ProcessesBackend::tell_of_change() {
  if (!relay_ || state_.with([](State& state) { return state.ahead; })) return;
  release_idle();
  if (relay_->has_changed) relay_->has_changed();
}

void ProcessesBackend::release_idle() {
  std::vector<WorkerHandle> idle;
  state_.with([&](State& state) {
    for (Lane& lane : state.lanes) {
      if (lane.worker == nullptr || lane.senders != 0 || lane.condemned || lane.full ||
          lane.worker->parts_in_flight() != 0 || !lane.worker->has_place())
        continue;
      idle.push_back(lane.worker);
      clear(lane);
    }
  });
  for (const WorkerHandle& worker : idle) pool_->give_back(*worker, true);
}

void ProcessesBackend::pass_on_output() {
  std::vector<WorkerHandle> workers;
  state_.with([&](State& state) {
    for (const Lane& lane : state.lanes) {
      if (lane.worker != nullptr) workers.push_back(lane.worker);
    }
  });
  for (const WorkerHandle& worker : workers) worker->output().drain(false);
}

// As much of it as there are places for.
void ProcessesBackend::send_backlog() {
  while (true) {
    std::optional<BatchPart> next = state_.with([](State& state) -> std::optional<BatchPart> {
      if (state.backlog.empty() || !choose(state)) return std::nullopt;
      std::optional<BatchPart> first(std::move(state.backlog.front()));
      state.backlog.pop_front();
      return first;
    });
    if (!next) return;
    dispatch(*std::move(next));
  }
}

bool ProcessesBackend::has_grown(Lane& lane) {
  if (!options_.max_memory_growth) return false;
  const auto now = Clock::now();
  WorkerProcess& worker = *lane.worker;
  const bool first = worker.first_resident_bytes == 0;
  if (!first && now - lane.looked < time_between_memory_looks) return false;
  lane.looked = now;
  const std::size_t bytes = worker.resident_bytes();
  if (first) worker.first_resident_bytes = std::max<std::size_t>(bytes, 1);
  return bytes > worker.first_resident_bytes + *options_.max_memory_growth;
}

// A worker has nothing to do: another one's next part goes to it, or half of what another one has
// not begun of the part that it runs.
void ProcessesBackend::share_out(WorkerProcess& idle) {
  had_nothing_.store(true);  // before it looks; see send()
  std::vector<std::pair<int, WorkerHandle>> others;
  state_.with([&](State& state) {
    for (const Lane& lane : state.lanes) {
      if (lane.worker == nullptr || lane.worker.get() == &idle) continue;
      const int parts = lane.worker->parts_in_flight();
      if (parts != 0) others.emplace_back(parts, lane.worker);
    }
  });
  std::stable_sort(others.begin(), others.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  for (const auto& [parts, worker] : others) {
    if (parts > 1) {
      if (std::optional<BatchPart> part = worker->take_back())
        return dispatch({part->batch, part->first, part->count, part->attempt});
    }
    // The only part that it has may not be begun. In this order: what it begins meanwhile can be
    // asked for.
    if (std::optional<BatchPart> part = worker->take_back(2))
      return send_again({part->batch, part->first, part->count, part->attempt});
    if (std::optional<BatchPart> part = worker->ask_back()) return send_again(*std::move(part));
  }
}

void ProcessesBackend::feed_idle_workers() {
  std::vector<WorkerHandle> idle;
  state_.with([&](State& state) {
    for (const Lane& lane : state.lanes) {
      if (lane.worker == nullptr || lane.full || lane.condemned) continue;
      if (lane.worker->parts_in_flight() == 0 && lane.worker->has_place())
        idle.push_back(lane.worker);
    }
    const auto allowed =
        static_cast<std::size_t>(std::max(state.most_busy - look(state).busy_count, 0));
    if (idle.size() > allowed) idle.resize(allowed);
  });
  for (const WorkerHandle& worker : idle) share_out(*worker);
}

void ProcessesBackend::worker_gone(WorkerProcess& worker, bool ran) {
  state_.with([&](State& state) {
    for (Lane& lane : state.lanes) {
      if (lane.worker.get() == &worker) clear(lane);
    }
    if (ran || ++state.failed_starts < most_failed_starts) return;
    try {
      std::rethrow_exception(worker.loss_error());
    } catch (const std::exception& error) {
      state.trouble =
          Status(StatusCode::unavailable,
                 "worker processes end before they run a task: " + std::string(error.what()));
    }
  });
  // Its lane is free, and perhaps nothing else is under way that would look after these.
  send_backlog();
  tell_of_change();
}

}  // namespace paracord::detail
