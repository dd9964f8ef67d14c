#include "paracord/backends/zeromq/zeromq.h"

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "paracord/backends/worker/initialize.h"
#include "paracord/backends/zeromq/zeromq_backend.h"
#include "paracord/core/cpu_count.h"
#include "paracord/core/loading.h"
#include "paracord/core/registry.h"
#include "paracord/core/scope.h"

namespace paracord {

namespace cluster {

namespace {

using std::chrono::microseconds;

// A batch costs some hundred microseconds to hand over, and ten to send and to answer for.
constexpr AutoBatchingMixin::Targets batch_targets{microseconds(2000), microseconds(20'000),
                                                   std::size_t{1} << 14};
constexpr int deepest_nesting = 10;
constexpr std::size_t default_max_nbytes = std::size_t{1} << 20;

Status check(const ZeromqOptions& options) {
  const auto refuse = [](const std::string& what) {
    return Status(StatusCode::invalid_argument, "ZeromqOptions: " + what);
  };
  if (options.connect_timeout.count() <= 0)
    return refuse("connect_timeout must be above 0, say 30s");
  if (options.grace.count() < 0) return refuse("grace must not be negative; 0 kills at once");
  if (options.most_node_losses == 0)
    return refuse("most_node_losses = 0 would fail tasks that were never lost; use 1 or more");
  if (options.weight == 0 || options.weight > 1000)
    return refuse("weight is a share from 1 to 1000");
  return Status();
}

Status check_mmap_mode(const std::optional<MmapMode>& mode) {
  if (mode != MmapMode::copy_on_write && mode != MmapMode::write) return Status();
  return Status(StatusCode::invalid_argument,
                "mmap_mode: nodes map memory to read it, or give tasks private copies to write to, "
                "as the parameter's type asks for; for a copy that the task may change, let it "
                "take the container by value");
}

constexpr int most_slots =
    1 << 15;  // of an embedded node: as many processes as a system has ids for

std::uint64_t number_in(const char* variable) {
  const char* text = std::getenv(variable);
  return text == nullptr ? 0 : std::strtoull(text, nullptr, 10);
}

}  // namespace

ZeromqBackend::ZeromqBackend() : AutoBatchingMixin(batch_targets) {}

ZeromqBackend::~ZeromqBackend() = default;

// Before a first call nobody knows the cluster; an embedded one has this machine's CPUs.
int ZeromqBackend::effective_n_jobs(int n_jobs) const {
  const int slots = cluster_ != nullptr && cluster_->client.slots() != 0
                        ? static_cast<int>(cluster_->client.slots())
                        : cpu_count();
  if (n_jobs > 0) return n_jobs;
  return std::max(slots + 1 + n_jobs, 1);
}

Status ZeromqBackend::connect(const CallSettings& settings) {
  const auto deadline = std::chrono::steady_clock::now() + options_.connect_timeout;
  try {
    const int wanted = std::min(settings.n_jobs > 0 ? settings.n_jobs : cpu_count(), most_slots);
    cluster_ = use_cluster(options_, static_cast<std::uint32_t>(wanted));
  } catch (const std::invalid_argument& error) {
    return Status(StatusCode::invalid_argument, error.what());
  } catch (const std::exception& error) {
    return Status(StatusCode::unavailable, error.what());
  }
  return cluster_->client.wait_for_slots(deadline);
}

CallSetup ZeromqBackend::setup_of(const CallSettings& settings) {
  const ParallelOptions& o = *settings.options;
  CallSetup setup;
  ships_ = cluster_->embedded == 0 && options_.worker_binary.empty();
  setup.program = ships_ ? cluster_->program.describe() : OwnProgram::about();
  setup.program.embedded = cluster_->embedded;
  setup.program.worker_binary = options_.worker_binary;
  setup.nesting_level = static_cast<std::uint32_t>(settings.nesting_level);
  setup.inner_threads = static_cast<std::uint32_t>(o.inner_max_num_threads.value_or(0));
  if (o.task_timeout) setup.task_timeout = o.task_timeout->count();
  setup.grace = std::chrono::duration<double>(options_.grace).count();
  setup.at_once = !settings.caller_waits;
  setup.n_jobs = static_cast<std::uint32_t>(std::max(settings.n_jobs, 0));
  setup.timed = o.observer.has_value() || o.trace.has_value() || o.verbose.value_or(0) > 0;
  if (o.initializer) {
    Encoder task;
    o.initializer->encode(task);
    setup.initializer.assign(reinterpret_cast<const char*>(task.data()), task.size());
    setup.initializer_id = 1;
  }
  return setup;
}

Status ZeromqBackend::open(const CallSettings& settings) {
  OpenCall call;
  try {
    call.setup = std::make_shared<const std::string>(encode_setup(setup_of(settings)));
  } catch (const SerializationError& error) {
    return Status(StatusCode::not_encodable, error.what());
  } catch (const std::exception& error) {
    return Status(StatusCode::unavailable, error.what());
  }
  call.priority = settings.options->priority.value_or(0);
  call.nesting_level = static_cast<std::uint32_t>(settings.nesting_level);
  const detail::ClusterAssignment assignment = detail::current_assignment();
  if (assignment[1] != 0) {
    call.parent = {assignment[0], assignment[1]};
    call.parent_node = number_in("PARACORD_NODE");
  }
  nested_ = call.parent.counter != 0;
  if (settings.n_jobs > 0) call.most_at_once = static_cast<std::uint32_t>(settings.n_jobs);
  ready_.store(false);
  run_inline_.store(false);
  about_ = std::move(call);
  open_.store(true);
  (void)current_call();
  if (!nested_) return Status();
  const auto trouble = [&] { return state_.with([](State& state) { return state.trouble; }); };
  changed_.wait([&] { return ready_.load() || !trouble().ok(); },
                std::chrono::steady_clock::now() + options_.connect_timeout);
  if (ready_.load()) return Status();
  if (Status why = trouble(); !why.ok()) return why;
  return Status(StatusCode::unavailable,
                "zeromq: the scheduler has not answered a call inside a task in time");
}

Configured ZeromqBackend::configure(const CallSettings& settings) {
  const auto unfit = [](Status status) { return Configured{.status = std::move(status)}; };
  if (detail::this_thread_loads_a_library()) {
    return unfit(Status(StatusCode::unavailable,
                        "zeromq: the call is made while a shared object is loaded, in a "
                        "constructor of one of its global objects; the cluster's workers would "
                        "have to wait for that to end. Make the call in a function that is called "
                        "once dlopen() has returned"));
  }
  if (Status status = BackendOptions::read(settings.backend_options, options_); !status.ok())
    return unfit(std::move(status));
  if (Status status = check(options_); !status.ok()) return unfit(std::move(status));
  if (Status status = check_mmap_mode(settings.options->mmap_mode); !status.ok())
    return unfit(std::move(status));
  if (settings.n_jobs == 1 && !options_.isolate) return {.instead = "sequential"};
  if (settings.nesting_level >= deepest_nesting) {
    return unfit(Status(StatusCode::unavailable, "zeromq: calls are nested " +
                                                     std::to_string(deepest_nesting) +
                                                     " deep; end the recursion earlier"));
  }
  if (means_embedded(options_) && !detail::is_initialized()) {
    return unfit(
        Status(StatusCode::unavailable,
               "zeromq: an embedded cluster runs this program's own executable, which does "
               "not call paracord::initialize(argc, argv); make that call the first line "
               "of main, and calls like this one behind it: not in constructors of global "
               "objects"));
  }
  if (Status status = connect(settings); !status.ok()) return unfit(std::move(status));
  max_nbytes_ = settings.options->max_nbytes.value_or(default_max_nbytes);
  idempotent_ = settings.options->idempotent.value_or(false);
  on_output_ = settings.on_output;
  // With retries, what an attempt writes must wait for its result.
  objects_.emplace(cluster_->client.offers(), settings.options->retries.value_or(0) == 0);
  state_.with([](State& state) { state = {}; });
  if (Status status = open(settings); !status.ok()) {
    close();
    return unfit(std::move(status));
  }
  if (run_inline_.load()) {
    close();
    return {.workers = 1, .instead = "sequential"};
  }
  return {.workers = effective_n_jobs(settings.n_jobs)};
}

void ZeromqBackend::close() {
  open_.store(false);
  if (const CallId call = call_.exchange(0); call != 0) cluster_->client.close_call(call);
}

bool ZeromqBackend::wait(const std::function<bool()>& ready,
                         std::optional<std::chrono::steady_clock::time_point> deadline) {
  // None: what was left has been aborted, and nothing of it runs any more.
  const CallId call = nested_ ? call_.load() : 0;
  if (call == 0 || ready()) return changed_.wait(ready, deadline);
  cluster_->client.waiting(call, true);
  const bool is_ready = changed_.wait(ready, deadline);
  cluster_->client.waiting(call, false);
  return is_ready;
}

void ZeromqBackend::finish_call() {
  if (!open_.load()) return;
  close();
  objects_->clear();
  merged_.clear();
}

// The program may end behind this.
void ZeromqBackend::terminate() {
  finish_call();
  if (cluster_ != nullptr && cluster_->embedded == 0) cluster_->client.flush();
}

bool ZeromqBackend::printed(const Observer::WorkerOutput& output) {
  return on_output_ != nullptr && (*on_output_)(output);
}

void ZeromqBackend::call_ready(bool run_inline) {
  run_inline_.store(run_inline);
  ready_.store(true);
  changed_.notify();
}

}  // namespace cluster

bool detail::register_zeromq_backend() {
  register_parallel_backend("zeromq", [] { return std::make_unique<cluster::ZeromqBackend>(); });
  return true;
}

}  // namespace paracord
