// ProcessesBackend: what is taken back from workers, since a call or a batch ends early or others
// need them.

#include <algorithm>
#include <utility>

#include "paracord/backends/processes/processes_backend.h"

namespace paracord::detail {

namespace {

// Why workers are killed.
constexpr const char* call_ended = "its call has ended";
constexpr const char* task_cancelled = "its task was cancelled";

}  // namespace

void ProcessesBackend::refuse(BatchPart part, const Status& why) {
  part.batch->trouble.with([&](Status& trouble) {
    if (trouble.ok()) trouble = why;
  });
  part.batch->over(part.count);
}

void ProcessesBackend::take_back_all(WorkerProcess& worker) {
  while (std::optional<BatchPart> part = worker.take_back())
    refuse(*std::move(part), Status(StatusCode::cancelled, "aborted"));
}

// What its worker has not begun goes to others, in the order in which it came, but for what is to
// come back. Returns whether there was something of this batch; null: of none.
bool ProcessesBackend::take_back_and_share(WorkerProcess& worker, const RemoteBatch* of) {
  std::vector<BatchPart> parts;
  while (std::optional<BatchPart> part = worker.take_back()) parts.push_back(*std::move(part));
  std::optional<BatchPart> rest = worker.ask_back();
  bool any = rest && rest->batch == of;
  for (const BatchPart& part : parts) any |= part.batch == of;
  if (rest) send_again(*std::move(rest));
  for (BatchPart& part : parts) dispatch({part.batch, part.first, part.count, part.attempt});
  return any;
}

void ProcessesBackend::allow(int busy, bool ahead) {
  state_.with([&](State& state) {
    state.most_busy = busy;
    state.ahead = ahead;
  });
  if (!ahead) {
    take_back_queued();
    release_idle();
  }
  send_backlog();
}

int ProcessesBackend::busy() {
  return state_.with([](State& state) { return look(state).busy_count; });
}

std::size_t ProcessesBackend::waiting() {
  return state_.with([](State& state) { return state.backlog.size(); });
}

// What stands behind another part in its worker; it waits here, before what is here already.
void ProcessesBackend::take_back_queued() {
  std::vector<WorkerHandle> workers;
  state_.with([&](State& state) {
    for (const Lane& lane : state.lanes) {
      if (lane.worker != nullptr && lane.worker->parts_in_flight() > 1)
        workers.push_back(lane.worker);
    }
  });
  std::deque<BatchPart> taken;
  for (const WorkerHandle& worker : workers) {
    while (worker->parts_in_flight() > 1) {
      std::optional<BatchPart> part = worker->take_back();
      if (!part) break;
      taken.push_front({part->batch, part->first, part->count, part->attempt});
    }
  }
  state_.with([&](State& state) {
    for (; !taken.empty(); taken.pop_back()) state.backlog.push_front(std::move(taken.back()));
  });
}

void ProcessesBackend::park(const std::array<std::uint64_t, 2>& assignment, bool parked) {
  std::vector<WorkerHandle> workers;
  state_.with([&](State& state) {
    if (!parked) {
      state.parked.erase(assignment);
      return;
    }
    state.parked.insert(assignment);
    for (const Lane& lane : state.lanes) {
      if (lane.worker != nullptr && lane.worker->assignment() == assignment)
        workers.push_back(lane.worker);
    }
  });
  for (const WorkerHandle& worker : workers) take_back_and_share(*worker);
  send_backlog();
}

bool ProcessesBackend::withdraw(const RemoteTasks& tasks, bool stop) {
  const RemoteBatch* found = nullptr;
  std::deque<BatchPart> backlog;
  std::vector<WorkerHandle> workers, condemned;
  state_.with([&](State& state) {
    const auto withdrawn =
        std::find_if(state.batches.begin(), state.batches.end(),
                     [&](RemoteBatch* batch) { return &batch->tasks == &tasks; });
    if (withdrawn == state.batches.end()) return;
    found = *withdrawn;
    (*withdrawn)->aborted = true;
    if (stop) (*withdrawn)->stops = true;
    aborts_.fetch_add(1);
    backlog.swap(state.backlog);
    for (Lane& lane : state.lanes) {
      if (lane.worker == nullptr) continue;
      workers.push_back(lane.worker);
      if (!stop || !lane.worker->holds_stopped()) continue;
      lane.condemned = true;
      condemned.push_back(lane.worker);
    }
  });
  bool any = false;
  for (const BatchPart& part : backlog) any |= part.batch == found;
  for (const WorkerHandle& worker : workers) any |= take_back_and_share(*worker, found);
  for (BatchPart& part : backlog) dispatch(std::move(part));
  for (const WorkerHandle& worker : condemned) end_stopped(*worker, task_cancelled);
  if (!condemned.empty()) send_backlog();
  return any && found != nullptr;
}

// Its lane takes no parts while something is there that is to stop. Returns whether there is.
bool ProcessesBackend::condemn(const WorkerProcess& worker) {
  return state_.with([&](State& state) {
    for (Lane& lane : state.lanes) {
      if (lane.worker.get() == &worker) return lane.condemned = lane.worker->holds_stopped();
    }
    return false;
  });
}

void ProcessesBackend::end_stopped(WorkerProcess& worker, const char* why) {
  if (!condemn(worker)) return;
  worker.request_stop();
  pool_->kill_at(worker, Clock::now() + options_.grace, why);
  // It may have ended the task meanwhile, and must not pay for it with another one.
  if (!condemn(worker)) pool_->spare(worker);
}

// What was sent to this worker while others were looked at.
void ProcessesBackend::abort_in(WorkerProcess& worker) {
  if (relay_)
    (void)take_back_and_share(worker);
  else
    take_back_all(worker);
  end_stopped(worker, relay_ ? task_cancelled : call_ended);
}

void ProcessesBackend::abort() {
  std::deque<BatchPart> backlog;
  std::vector<WorkerHandle> workers;
  state_.with([&](State& state) {
    for (RemoteBatch* batch : state.batches) {
      batch->aborted = true;
      batch->stops = true;
    }
    aborts_.fetch_add(1);
    backlog.swap(state.backlog);
    for (const Lane& lane : state.lanes) {
      if (lane.worker != nullptr) workers.push_back(lane.worker);
    }
  });
  for (BatchPart& part : backlog) refuse(std::move(part), Status(StatusCode::cancelled, "aborted"));
  for (const WorkerHandle& worker : workers) {
    take_back_all(*worker);
    end_stopped(*worker, call_ended);
    if (std::optional<BatchPart> part = worker->ask_back())
      refuse(*std::move(part), Status(StatusCode::cancelled, "aborted"));
  }
}

}  // namespace paracord::detail
