#include "paracord/backends/processes/processes.h"

#include <utility>

#include "paracord/backends/processes/processes_backend.h"
#include "paracord/backends/processes/worker_program.h"
#include "paracord/backends/worker/initialize.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/loading.h"
#include "paracord/core/registry.h"
#include "paracord/core/scope.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {

namespace {

using std::chrono::microseconds;

// A batch costs some microseconds to hand over where its worker sleeps.
constexpr AutoBatchingMixin::Targets batch_targets{microseconds(200), microseconds(2000),
                                                   std::size_t{1} << 10};
constexpr int deepest_nesting = 10;
constexpr int most_workers = 1 << 15;  // as many processes as a system has ids for, usually
constexpr std::size_t default_max_nbytes = std::size_t{1} << 20;

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

}  // namespace

ProcessesBackend::ProcessesBackend() : AutoBatchingMixin(batch_targets), id_(next_id()) {}

void ProcessesBackend::relay(Relay relay) {
  relay_ = std::move(relay);
}

Configured ProcessesBackend::configure(const CallSettings& settings) {
  if (this_thread_loads_a_library()) {
    return {.status = Status(StatusCode::unavailable,
                             "processes: the call is made while a shared object is loaded, in a "
                             "constructor of one of its global objects; a worker would have to "
                             "wait for that to end. Make the call in a function that is called "
                             "once dlopen() has returned")};
  }
  if (Status status = BackendOptions::read(settings.backend_options, options_); !status.ok())
    return {.status = std::move(status)};
  if (Status status = check(options_); !status.ok()) return {.status = std::move(status)};
  if (Status status = check_mmap_mode(settings.options->mmap_mode); !status.ok())
    return {.status = std::move(status)};
  if (settings.n_jobs == 1 && !options_.isolate && !relay_) return {.instead = "sequential"};
  if (settings.nesting_level >= deepest_nesting) {
    return {.status = Status(StatusCode::unavailable,
                             "processes: calls are nested " + std::to_string(deepest_nesting) +
                                 " deep, each level with processes of its own; end the recursion "
                                 "earlier, or let inner calls use threads")};
  }
  const ParallelOptions& o = *settings.options;
  call_options_ = &o;
  caller_waits_ = settings.caller_waits;
  const int workers = std::min(effective_n_jobs(settings.n_jobs), most_workers);
  if (settings.backend_options != nullptr) pool_->set_idle_timeout(options_.idle_timeout);
  std::map<std::string, std::string> environment = options_.environment;
  // Where workers make the arrays that their tasks return.
  if (o.temp_folder && !o.temp_folder->empty())
    environment.emplace("PARACORD_TEMP_FOLDER", temp_folders(o.temp_folder).front());
  spec_ = {worker_environment(relay_ ? relay_->slots : workers, o.inner_max_num_threads.value_or(0),
                              environment),
           is_initialized(), relay_ ? relay_->program : "", relay_.has_value()};
  prepare_call(o, settings.nesting_level);
  call_.on_output = settings.on_output;
  try {
    call_.arenas = &pool_->arenas(o.temp_folder);
    if (!spec_.own_executable && spec_.program.empty()) (void)worker_program();
  } catch (const std::exception& error) {
    return {.status = Status(StatusCode::unavailable, error.what())};
  }
  state_.with([&](State& state) {
    state = {};
    state.most_lanes = static_cast<std::size_t>(workers);
  });
  return {.workers = workers};
}

void ProcessesBackend::prepare_call(const ParallelOptions& options, int nesting_level) {
  call_ = {};
  call_.owner = this;
  call_.memory = &memory_;
  call_.max_nbytes = options.max_nbytes.value_or(default_max_nbytes);
  call_.nesting_level = nesting_level;
  call_.at_once = relay_ ? relay_->at_once : !caller_waits_;
  call_.drafts = relay_ || options.retries.value_or(0) > 0;
  call_.modules = relay_ ? &relay_->modules : nullptr;
  if (options.task_timeout)
    call_.task_timeout = std::chrono::duration_cast<Clock::duration>(*options.task_timeout);
}

bool ProcessesBackend::wait(const std::function<bool()>& ready,
                            std::optional<Clock::time_point> deadline) {
  return pool_->wait(ready, deadline);
}

void ProcessesBackend::finish_call() {
  const auto no_batch = [this] {
    return state_.with([](State& state) { return state.batches.empty(); });
  };
  if (!no_batch()) pool_->wait(no_batch, std::nullopt);
  const std::vector<Lane> lanes =
      state_.with([](State& state) { return std::exchange(state.lanes, {}); });
  for (const Lane& lane : lanes) {
    if (lane.worker != nullptr) pool_->give_back(*lane.worker, !lane.full);
  }
  wait_for_visits();
  memory_.clear();
}

bool register_processes_backend() {
  register_parallel_backend("processes", [] { return std::make_unique<ProcessesBackend>(); });
  return true;
}

}  // namespace paracord::detail
