#include "paracord/backends/zeromq/agent_call.h"

#include <sys/stat.h>

#include <algorithm>

namespace paracord::cluster {

namespace {

// Completes one batch: it is called once, whatever becomes of it.
struct Completion {
  std::function<void(Status)> on_over;
  static void call(void*, void* self, Status status) noexcept {
    const std::unique_ptr<Completion> completion(static_cast<Completion*>(self));
    completion->on_over(std::move(status));
  }
};

// The relayed initializer, as the client has encoded it.
struct RelayedInitializer {
  std::string task;
  void operator()() const {}
  void encode(Encoder& out) const { out.write(task.data(), task.size()); }
};

}  // namespace

AgentCall::AgentCall(const NodeCall& about, std::uint32_t slots, std::uint32_t most_parked,
                     std::map<std::string, std::string> environment, OnWorkerOutput on_output,
                     std::function<void()> has_changed)
    : about_(about),
      setup_(decode_setup(*about.call.setup)),
      slots_(slots),
      most_parked_(most_parked),
      environment_(std::move(environment)),
      on_output_(std::move(on_output)),
      has_changed_(std::move(has_changed)) {}

AgentCall::~AgentCall() {
  if (backend_ != nullptr) backend_->finish_call();
}

void AgentCall::begin(const ProgramCache::Ready& program) {
  ProcessesOptions local;
  local.environment = setup_.environment;
  for (const auto& [name, value] : environment_) local.environment[name] = value;
  if (!program.libraries.empty()) {
    std::string& path = local.environment["LD_LIBRARY_PATH"];
    path = path.empty() ? program.libraries : program.libraries + ":" + path;
  }
  local.grace = std::chrono::milliseconds(static_cast<std::int64_t>(setup_.grace * 1000));
  if (setup_.task_timeout > 0) options_.task_timeout = Seconds(setup_.task_timeout);
  if (setup_.inner_threads > 0)
    options_.inner_max_num_threads = static_cast<int>(setup_.inner_threads);
  if (setup_.initializer_id != 0)
    options_.initializer = Initializer(RelayedInitializer{setup_.initializer});
  options_.backend_options = local;
  backend_ = std::make_unique<detail::ProcessesBackend>();
  backend_->relay({program.executable, [this](std::uint32_t number) { return module(number); },
                   static_cast<int>(slots_), setup_.at_once, has_changed_});
  CallSettings settings{};
  // One more than may be parked: where all slots of a cluster wait, each node lends another.
  settings.n_jobs = static_cast<int>(slots_ + most_parked_ + 1);
  settings.nesting_level = static_cast<int>(setup_.nesting_level);
  settings.backend_options = &*options_.backend_options;
  settings.options = &options_;
  settings.on_output = &on_output_;
  const Configured configured = backend_->configure(settings);
  if (!configured.status.ok()) return refuse(configured.status.message());
  allow_alone(static_cast<int>(slots_));
  state_ = State::ready;
}

// A batch is one of the client's jobs, and is shared out here.
int AgentCall::within_jobs(int busy) const {
  return setup_.n_jobs == 0 ? busy : std::min(busy, static_cast<int>(setup_.n_jobs));
}

void AgentCall::allow_alone(int busy) {
  busy = within_jobs(busy);
  if (std::exchange(alone_, busy) != busy) backend_->allow(busy);
}

int AgentCall::hold() {
  alone_ = 0;
  // First: so nothing that has not begun counts.
  backend_->allow(0, false);
  return backend_->busy();
}

void AgentCall::allow(int busy) {
  backend_->allow(within_jobs(busy), false);
}

void AgentCall::refuse(std::string why) {
  state_ = State::refused;
  refusal_ = std::move(why);
}

void AgentCall::learn_module(const ModuleUse& use, const std::string& path) {
  detail::ModuleName name{use.number, use.path, use.device, use.inode, use.entries};
  if (!path.empty()) {
    name.path = path;
    struct stat file {};
    if (stat(path.c_str(), &file) == 0) {
      name.device = file.st_dev;
      name.inode = file.st_ino;
    }
  }
  modules_.with([&](auto& modules) { modules.insert_or_assign(use.number, name); });
}

detail::ModuleName AgentCall::module(std::uint32_t number) {
  return modules_.with([&](auto& modules) {
    const auto found = modules.find(number);
    if (found == modules.end())
      throw SerializationError("a task names a module that its batch does not");
    return found->second;
  });
}

void AgentCall::submit(AgentBatch& batch, std::function<void(Status)> on_over) {
  ++batches_;
  backend_->submit(Batch(batch),
                   OnDone(&Completion::call, this, new Completion{std::move(on_over)}));
}

}  // namespace paracord::cluster
