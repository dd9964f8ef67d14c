#include "paracord/backends/processes/processes.h"

#include <algorithm>
#include <deque>
#include <unordered_set>
#include <utility>

#include "paracord/backends/processes/process_pool.h"
#include "paracord/backends/processes/worker_program.h"
#include "paracord/backends/worker/initialize.h"
#include "paracord/core/auto_batching.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/registry.h"
#include "paracord/core/scope.h"

namespace paracord {

namespace detail {
namespace {

using std::chrono::microseconds;
using Clock = std::chrono::steady_clock;

// A batch costs some microseconds to hand over where its worker sleeps.
constexpr AutoBatchingMixin::Targets batch_targets{microseconds(200), microseconds(2000),
                                                   std::size_t{1} << 10};
constexpr int most_failed_starts = 3;
constexpr int deepest_nesting = 10;
constexpr std::size_t default_max_nbytes = std::size_t{1} << 20;
constexpr auto time_between_memory_looks = std::chrono::seconds(1);

Status check(const ProcessesOptions& options) {
  const auto refuse = [](const std::string& what) {
    return Status(StatusCode::invalid_argument, "ProcessesOptions: " + what);
  };
  if (options.idle_timeout.count() < 0)
    return refuse("idle_timeout must not be negative; 0 lets workers end after each call");
  if (options.max_tasks_per_worker == std::size_t{0})
    return refuse(
        "max_tasks_per_worker = 0 would let no task run; use 1 or more, or leave it unset");
  if (options.max_memory_growth == std::size_t{0})
    return refuse(
        "max_memory_growth = 0 would end workers at once; use some bytes, or leave it "
        "unset");
  if (options.grace.count() < 0) return refuse("grace must not be negative; 0 kills at once");
  for (const auto& [name, value] : options.environment) {
    if (name.empty() || name.find('=') != std::string::npos)
      return refuse("environment: '" + name + "' is no name of a variable");
  }
  return Status();
}

// What a task may do with memory is what its parameter's type says.
Status check_mmap_mode(const std::optional<MmapMode>& mode) {
  if (mode != MmapMode::copy_on_write && mode != MmapMode::write) return Status();
  return Status(StatusCode::invalid_argument,
                "mmap_mode: worker processes map memory to read it, and map files of mode "
                "read_write to write to them, as the parameter's type asks for; for a copy that "
                "the task may change, let it take the container by value");
}

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> last{0};
  return ++last;
}

class ProcessesBackend final : public AutoBatchingMixin, public BatchOwner {
 public:
  ProcessesBackend() : AutoBatchingMixin(batch_targets) {}

  Capabilities capabilities() const override {
    return {.caller_collects = true, .inner_max_num_threads = true, .batches_per_worker = 8};
  }
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override;
  bool wait(const std::function<bool()>& ready,
            std::optional<Clock::time_point> deadline) override {
    return pool_.wait(ready, deadline);
  }
  void interrupt() override { pool_.interrupt(); }
  void finish_call() override;

  void send_again(Part part) override;
  void batch_over(RemoteBatch& batch) override;
  void part_over(WorkerProcess& worker) override;
  void worker_gone(WorkerProcess& worker, bool before_it_ran) override;

 private:
  // A place for one worker; its number is the worker's index in the call.
  struct Lane {
    WorkerHandle worker;
    bool starting = false;  // somebody is about to lease one
    bool full = false;      // its worker has run as many tasks as it may, or has grown too much
    Clock::time_point looked{};
  };
  struct State {
    std::vector<Lane> lanes;
    std::deque<Part> backlog;  // no lane has a place
    int failed_starts = 0;     // in a row
    Status trouble;            // no worker can run what is to be run
    std::unordered_set<RemoteBatch*> batches;
  };

  void prepare_call(const ParallelOptions& options, int nesting_level);
  void dispatch(Part part);
  static std::optional<std::size_t> choose(State& state);
  std::optional<Part> send(std::size_t lane, Part part);
  WorkerHandle worker_of(std::size_t lane);
  void forget(std::size_t lane, const WorkerProcess& lost);
  std::optional<Part> within_quota(WorkerProcess& worker, Part& part);
  void take_back_all(WorkerProcess& worker);
  static void refuse(Part part, const Status& why);
  void send_backlog();
  void share_out(WorkerProcess& idle);
  bool has_grown(Lane& lane);

  ProcessPool& pool_ = ProcessPool::instance();
  const std::uint64_t id_ = next_id();
  ProcessesOptions options_;
  const ParallelOptions* call_options_ = nullptr;
  WorkerSpec spec_;
  WorkerProcess::Call call_;
  bool caller_waits_ = false;
  CallMemory memory_;
  Guarded<State> state_;
  std::atomic<std::uint64_t> aborts_{0};
};

Configured ProcessesBackend::configure(const CallSettings& settings) {
  if (Status status = BackendOptions::read(settings.backend_options, options_); !status.ok())
    return {.status = std::move(status)};
  if (Status status = check(options_); !status.ok()) return {.status = std::move(status)};
  if (Status status = check_mmap_mode(settings.options->mmap_mode); !status.ok())
    return {.status = std::move(status)};
  if (settings.nesting_level >= deepest_nesting) {
    return {.status = Status(StatusCode::unavailable,
                             "processes: calls are nested " + std::to_string(deepest_nesting) +
                                 " deep, each level with processes of its own; end the recursion "
                                 "earlier, or let inner calls use threads")};
  }
  const ParallelOptions& o = *settings.options;
  call_options_ = &o;
  caller_waits_ = settings.caller_waits;
  const int workers = effective_n_jobs(settings.n_jobs);
  if (settings.backend_options != nullptr) pool_.set_idle_timeout(options_.idle_timeout);
  std::map<std::string, std::string> environment = options_.environment;
  // Where workers make the arrays that their tasks return.
  if (o.temp_folder && !o.temp_folder->empty())
    environment.emplace("PARACORD_TEMP_FOLDER", *o.temp_folder);
  spec_ = {worker_environment(workers, o.inner_max_num_threads.value_or(0), environment),
           is_initialized()};
  prepare_call(o, settings.nesting_level);
  try {
    call_.arenas = &pool_.arenas(o.temp_folder);
    if (!spec_.own_executable) (void)worker_program();
  } catch (const std::exception& error) {
    return {.status = Status(StatusCode::unavailable, error.what())};
  }
  state_.with([&](State& state) {
    state = {};
    state.lanes.resize(static_cast<std::size_t>(workers));
  });
  return {.workers = workers};
}

void ProcessesBackend::prepare_call(const ParallelOptions& options, int nesting_level) {
  call_ = {};
  call_.owner = this;
  call_.memory = &memory_;
  call_.max_nbytes = options.max_nbytes.value_or(default_max_nbytes);
  call_.nesting_level = nesting_level;
  call_.drafts = options.retries.value_or(0) > 0;
  if (options.task_timeout)
    call_.task_timeout = std::chrono::duration_cast<Clock::duration>(*options.task_timeout);
}

void ProcessesBackend::finish_call() {
  const auto no_batch = [this] {
    return state_.with([](State& state) { return state.batches.empty(); });
  };
  if (!no_batch()) pool_.wait(no_batch, std::nullopt);
  const std::vector<Lane> lanes =
      state_.with([](State& state) { return std::exchange(state.lanes, {}); });
  for (const Lane& lane : lanes) {
    if (lane.worker != nullptr) pool_.give_back(*lane.worker, !lane.full);
  }
  wait_for_visits();
  memory_.clear();
}

// --- sending ---

void ProcessesBackend::submit(Batch batch, OnDone on_done) {
  const auto count = static_cast<std::uint32_t>(batch.size());
  RemoteTasks* tasks = batch.elsewhere();
  if (tasks == nullptr) return on_done();
  auto* remote = new RemoteBatch(*this, std::move(on_done), *tasks, count);
  state_.with([&](State& state) { state.batches.insert(remote); });
  dispatch({remote, 0, count, 1});
}

// The lane with the least to do: first those whose worker is there and idle, then a new one.
std::optional<std::size_t> ProcessesBackend::choose(State& state) {
  std::optional<std::size_t> best, empty;
  for (std::size_t i = 0; i != state.lanes.size(); ++i) {
    const Lane& lane = state.lanes[i];
    if (lane.worker == nullptr) {
      if (!lane.starting && !empty) empty = i;
      continue;
    }
    if (lane.full || !lane.worker->has_place()) continue;
    if (!best || lane.worker->parts_in_flight() < state.lanes[*best].worker->parts_in_flight())
      best = i;
  }
  if (best && state.lanes[*best].worker->parts_in_flight() == 0) return best;
  return empty ? empty : best;
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
    if (aborts_.load() != aborts_before) take_back_all(*worker);
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

// --- results ---

void ProcessesBackend::batch_over(RemoteBatch& batch) {
  const Status trouble = batch.trouble.with([](Status& status) { return status; });
  OnDone on_done = std::move(batch.on_done);
  const bool last = state_.with([&](State& state) {
    state.batches.erase(&batch);
    return state.batches.empty();
  });
  delete &batch;
  on_done(trouble);
  if (last) pool_.interrupt();
}

// Tasks that come back are shared out in halves: they go to as many workers as have nothing to do.
void ProcessesBackend::send_again(Part part) {
  const std::uint32_t half = part.count / 2;
  Part second{part.batch, part.first + half, part.count - half, part.attempt};
  if (half != 0) dispatch({part.batch, part.first, half, part.attempt});
  dispatch(std::move(second));
}

void ProcessesBackend::part_over(WorkerProcess& worker) {
  WorkerHandle worn_out;
  state_.with([&](State& state) {
    state.failed_starts = 0;
    for (Lane& lane : state.lanes) {
      if (lane.worker.get() != &worker) continue;
      lane.full = lane.full || has_grown(lane);
      if (lane.full && worker.parts_in_flight() == 0) worn_out = std::exchange(lane, {}).worker;
    }
  });
  if (worker.parts_in_flight() == 0) pool_.spare(worker);
  if (worn_out != nullptr) pool_.give_back(*worn_out, false);
  send_backlog();
  if (worn_out == nullptr && worker.parts_in_flight() == 0) share_out(worker);
}

// As much of it as there are places for.
void ProcessesBackend::send_backlog() {
  while (true) {
    std::optional<Part> next = state_.with([](State& state) -> std::optional<Part> {
      if (state.backlog.empty() || !choose(state)) return std::nullopt;
      std::optional<Part> first(std::move(state.backlog.front()));
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
  WorkerHandle busiest;
  state_.with([&](State& state) {
    for (const Lane& lane : state.lanes) {
      if (lane.worker == nullptr || lane.worker.get() == &idle) continue;
      if (busiest == nullptr || lane.worker->parts_in_flight() > busiest->parts_in_flight())
        busiest = lane.worker;
    }
  });
  if (busiest == nullptr || busiest->parts_in_flight() == 0) return;
  if (busiest->parts_in_flight() > 1) {
    if (std::optional<Part> part = busiest->take_back())
      return dispatch({part->batch, part->first, part->count, part->attempt});
  }
  (void)busiest->ask_back();
}

void ProcessesBackend::worker_gone(WorkerProcess& worker, bool ran) {
  state_.with([&](State& state) {
    for (Lane& lane : state.lanes) {
      if (lane.worker.get() == &worker) lane = {};
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
}

}  // namespace

bool register_processes_backend() {
  register_parallel_backend("processes", [] { return std::make_unique<ProcessesBackend>(); });
  return true;
}

}  // namespace detail
}  // namespace paracord
