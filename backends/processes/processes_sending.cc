// ProcessesBackend: from a batch to workers, and back where the call ends early.

#include <algorithm>
#include <utility>

#include "paracord/backends/processes/processes_backend.h"

namespace paracord::detail {

void ProcessesBackend::submit(Batch batch, OnDone on_done) {
  const auto count = static_cast<std::uint32_t>(batch.size());
  RemoteTasks* tasks = batch.elsewhere();
  if (tasks == nullptr) return on_done();
  auto* remote = new RemoteBatch(*this, std::move(on_done), *tasks, count);
  state_.with([&](State& state) { state.batches.insert(remote); });
  dispatch({remote, 0, count, tasks->first_attempt()});
}

// The lane with the least to do: first those whose worker is there and idle, then a new one.
std::optional<std::size_t> ProcessesBackend::choose(State& state) {
  std::optional<std::size_t> idle, empty, busy;
  int busy_count = 0;
  for (std::size_t i = 0; i != state.lanes.size(); ++i) {
    const Lane& lane = state.lanes[i];
    if (lane.worker == nullptr) {
      busy_count += lane.starting;
      if (!lane.starting && !empty) empty = i;
      continue;
    }
    const int parts = lane.worker->parts_in_flight();
    busy_count += parts != 0 && !lane.parked;
    if (lane.full || lane.parked || lane.condemned || !lane.worker->has_place()) continue;
    if (parts == 0) {
      if (!idle) idle = i;
    } else if (!busy || parts < state.lanes[*busy].worker->parts_in_flight()) {
      busy = i;
    }
  }
  if (busy_count >= state.most_busy) return busy;
  if (idle) return idle;
  return empty ? empty : busy;
}

void ProcessesBackend::dispatch(Part part) {
  std::optional<Part> rest(std::move(part));
  while (rest) {
    Status trouble;
    const auto lane = state_.with([&](State& state) -> std::optional<std::size_t> {
      trouble = rest->batch->aborted ? Status(StatusCode::cancelled, "aborted") : state.trouble;
      if (!trouble.ok()) return std::nullopt;
      const auto chosen = choose(state);
      if (!chosen) {
        state.backlog.push_back(std::move(*rest));
      } else if (state.lanes[*chosen].worker == nullptr) {
        state.lanes[*chosen].starting = true;
      }
      return chosen;
    });
    if (!trouble.ok()) return refuse(*std::move(rest), trouble);
    if (!lane) return;
    rest = send(*lane, *std::move(rest));
  }
}

// Sends to the worker of this lane, and starts one where there is none. Returns what is left.
std::optional<Part> ProcessesBackend::send(std::size_t lane, Part part) {
  const Part whole{part.batch, part.first, part.count, part.attempt};
  const std::uint64_t aborts_before = aborts_.load();
  Status trouble;
  try {
    const WorkerHandle worker = worker_of(lane);
    if (worker == nullptr) return whole;  // it has ended meanwhile
    std::optional<Part> behind = within_quota(*worker, part);
    std::optional<Part> rest = worker->send(std::move(part));
    if (worker->is_lost.load()) forget(lane, *worker);
    if (behind) send_again(*std::move(behind));
    // An abort that came meanwhile has not seen what was sent.
    if (aborts_.load() != aborts_before) {
      if (relay_) {
        take_back_and_share(*worker);
      } else {
        take_back_all(*worker);
      }
    }
    if (!caller_waits_) pool_.watch();
    return rest;
  } catch (const SerializationError& error) {
    trouble = Status(StatusCode::not_encodable, error.what());
  } catch (const std::exception& error) {
    trouble = Status(StatusCode::unavailable, error.what());
  }
  state_.with([&](State& state) {
    state.trouble = trouble;
    state.lanes[lane].starting = false;
  });
  refuse(whole, trouble);
  return std::nullopt;
}

WorkerHandle ProcessesBackend::worker_of(std::size_t lane) {
  WorkerHandle worker = state_.with([&](State& state) { return state.lanes[lane].worker; });
  const bool start =
      worker == nullptr && state_.with([&](State& state) { return state.lanes[lane].starting; });
  if (!start) return worker;
  WorkerProcess::Call call = call_;
  call.worker = static_cast<int>(lane);
  worker = pool_.lease(spec_, call);
  if (call_options_->initializer) worker->send_initializer(id_, *call_options_->initializer);
  state_.with([&](State& state) {
    state.lanes[lane] = Lane{};
    state.lanes[lane].worker = worker;
  });
  return worker;
}

// A worker that ended before its lane knew of it is in nobody's way any more.
void ProcessesBackend::forget(std::size_t lane, const WorkerProcess& lost) {
  state_.with([&](State& state) {
    if (state.lanes[lane].worker.get() == &lost) state.lanes[lane] = {};
  });
}

// Cuts `part` to what the worker may still run; returns the rest.
std::optional<Part> ProcessesBackend::within_quota(WorkerProcess& worker, Part& part) {
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
  Part behind{part.batch, part.first + kept, part.count - kept, part.attempt};
  part.count = kept;
  return behind;
}

void ProcessesBackend::refuse(Part part, const Status& why) {
  part.batch->trouble.with([&](Status& trouble) {
    if (trouble.ok()) trouble = why;
  });
  part.batch->over(part.count);
}

void ProcessesBackend::take_back_all(WorkerProcess& worker) {
  while (std::optional<Part> part = worker.take_back())
    refuse(*std::move(part), Status(StatusCode::cancelled, "aborted"));
}

// What its worker has not begun goes to others, but for what is to come back.
void ProcessesBackend::take_back_and_share(WorkerProcess& worker) {
  std::vector<Part> parts;
  while (std::optional<Part> part = worker.take_back()) parts.push_back(*std::move(part));
  for (Part& part : parts) dispatch({part.batch, part.first, part.count, part.attempt});
  (void)worker.ask_back();
}

void ProcessesBackend::allow(int busy) {
  state_.with([&](State& state) { state.most_busy = busy; });
  send_backlog();
}

void ProcessesBackend::park(const std::array<std::uint64_t, 2>& assignment, bool parked) {
  WorkerHandle worker;
  state_.with([&](State& state) {
    for (Lane& lane : state.lanes) {
      if (lane.worker == nullptr || !lane.worker->is_at(assignment)) continue;
      lane.parked = parked;
      worker = lane.worker;
    }
  });
  if (worker != nullptr && parked) take_back_and_share(*worker);
  send_backlog();
}

void ProcessesBackend::withdraw(const RemoteTasks& tasks, bool stop) {
  const RemoteBatch* withdrawn = nullptr;
  std::deque<Part> backlog;
  std::vector<WorkerHandle> workers, at_it;
  state_.with([&](State& state) {
    for (RemoteBatch* batch : state.batches) {
      if (&batch->tasks != &tasks) continue;
      batch->aborted = true;
      withdrawn = batch;
    }
    if (withdrawn == nullptr) return;
    aborts_.fetch_add(1);
    backlog.swap(state.backlog);
    for (Lane& lane : state.lanes) {
      if (lane.worker == nullptr) continue;
      workers.push_back(lane.worker);
      if (!stop || !lane.worker->is_at(withdrawn)) continue;
      lane.condemned = true;
      at_it.push_back(lane.worker);
    }
  });
  for (const WorkerHandle& worker : workers) take_back_and_share(*worker);
  for (Part& part : backlog) dispatch(std::move(part));
  for (const WorkerHandle& worker : at_it) {
    worker->request_stop();
    pool_.kill_at(*worker, Clock::now() + options_.grace, "its task was cancelled");
  }
}

void ProcessesBackend::abort() {
  std::deque<Part> backlog;
  std::vector<WorkerHandle> workers;
  state_.with([&](State& state) {
    for (RemoteBatch* batch : state.batches) batch->aborted = true;
    aborts_.fetch_add(1);
    backlog.swap(state.backlog);
    for (const Lane& lane : state.lanes) {
      if (lane.worker != nullptr) workers.push_back(lane.worker);
    }
  });
  for (Part& part : backlog) refuse(std::move(part), Status(StatusCode::cancelled, "aborted"));
  for (const WorkerHandle& worker : workers) {
    take_back_all(*worker);
    worker->request_stop();
    if (worker->parts_in_flight() == 0) continue;
    (void)worker->ask_back();
    pool_.kill_at(*worker, Clock::now() + options_.grace, "its call has ended");
  }
}

}  // namespace paracord::detail
