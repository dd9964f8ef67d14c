#include "paracord/core/call.h"

#include <algorithm>
#include <cstdint>
#include <stdexcept>

#include "paracord/core/errors.h"
#include "paracord/core/input_threads.h"

namespace paracord::detail {

namespace {

constexpr int deepest_nesting = 128;

// The submit() that this thread is inside of, so that a batch which completes there is seen.
struct Submitting {
  const Call* call;
  bool completed = false;
  Submitting* outer;
};
thread_local Submitting* submitting = nullptr;

[[noreturn]] void throw_status(const Status& status) {
  switch (status.code()) {
    case StatusCode::invalid_argument:
      throw std::invalid_argument(status.message());
    case StatusCode::cancelled:
      throw CancelledError(status.message());
    case StatusCode::lost:
      throw WorkerLostError(status.message());
    case StatusCode::not_encodable:
      throw SerializationError(status.message());
    default:
      throw BackendUnavailable(status.message());
  }
}

}  // namespace

std::exception_ptr exception_of(const Status& status) {
  try {
    throw_status(status);
  } catch (...) {
    return std::current_exception();
  }
}

Call::Call(Session& session, TaskRange& tasks, Setup setup)
    : session_(session),
      use_(std::in_place, session),
      tasks_(tasks),
      setup_(setup),
      layout_(tasks.layout()),
      size_(tasks.size()),
      backend_(session.backend.get()),
      nesting_level_(this_thread_scope().nesting_level) {
  refuse_calls_in_callbacks();
  if (this_thread_scope().depth >= deepest_nesting) {
    throw std::logic_error("parallel calls are nested " + std::to_string(deepest_nesting) +
                           " deep; end the recursion earlier");
  }
  const ParallelOptions& o = options();
  if (o.retries.value_or(0) > 0 && !layout_.copyable) {
    throw std::invalid_argument("retries = " + std::to_string(*o.retries) +
                                " needs tasks whose arguments can be copied, for the next attempt; "
                                "leave it unset, or pass copyable arguments");
  }
  if (size_ == 0) exhausted_.store(true);
  configure();
  try {
    if (!capabilities_.shared_memory) refuse_bound_tasks();
    prepare();
  } catch (...) {
    backend_->finish_call();
    throw;
  }
}

void Call::refuse_bound_tasks() const {
  const std::string why = tasks_.why_bound_here();
  if (!why.empty()) {
    throw SerializationError("backend '" + *backend_in_use_ + "': " + why +
                             "; or run the call on threads (backend = \"threads\")");
  }
}

void Call::prepare() {
  const ParallelOptions& o = options();
  if (setup_.collector != nullptr && size_ != unknown_size) setup_.collector->expect(size_);
  if (o.timeout && !setup_.bounded_results) {
    set_deadline(SteadyClock::now() + steady_duration(*o.timeout));
  }
  if (o.task_timeout) task_timeout_ = steady_duration(*o.task_timeout);
  if (Probe::wanted(o)) {
    probe_.emplace(o, *backend_in_use_, workers_,
                   size_ == unknown_size ? std::nullopt : std::optional(size_));
  }
  watched_ = probe_.has_value() || task_timeout_ || o.retries.value_or(0) > 0;
  if (o.stop_token) on_stop_.emplace(*o.stop_token, CancelFromToken{this});
}

void Call::configure() {
  const ParallelOptions& o = options();
  const std::string* name = &session_.backend_name;
  capabilities_ = backend_->capabilities();
  // Nothing runs before there is a probe.
  if (Probe::wanted(o)) {
    on_output_ = [this](const Observer::WorkerOutput& output) {
      return probe_.has_value() && probe_->worker_output(output);
    };
  }
  const OnWorkerOutput* on_output = on_output_ ? &on_output_ : nullptr;
  Configured configured = backend_->configure(
      {session_.n_jobs, nesting_level_, capabilities_.caller_helps && !setup_.bounded_results,
       !setup_.bounded_results, o.backend_options ? &*o.backend_options : nullptr, &o, on_output});
  if (configured.status.ok() && configured.instead) {
    backend_ = &session_.substitute_backend(*configured.instead);
    name = &session_.substitute_name;
    capabilities_ = backend_->capabilities();
    configured = backend_->configure(
        {1, nesting_level_, false, !setup_.bounded_results, nullptr, &o, on_output});
  }
  if (!configured.status.ok()) throw_status(configured.status);
  if (configured.workers < 1) {
    throw BackendUnavailable("the backend '" + *name +
                             "' has no active worker; start one, or choose another backend");
  }
  workers_ = configured.workers;
  depth_.prepare(workers_, capabilities_);
  worker_indexes_.prepare(depth_.most() + 1);  // a reader may help beyond the slots
  // A call of no more tasks than workers has no use for larger batches, nor anything to learn about
  // them.
  timed_ = size_ > static_cast<std::size_t>(workers_);
  transparent_ = capabilities_.runs_in_caller;
  nested_backend_ = backend_->nested_backend(nesting_level_ + 1);
  backend_in_use_ = name;
}

Block* Call::join() {
  if (!capabilities_.caller_helps || stopped()) return nullptr;
  joined_ = take_slot();
  return next_work(Runner::this_thread);
}

bool Call::reads_all_first() const {
  const auto& ahead = options().pre_dispatch;
  return ahead && ahead->tasks == PreDispatch::all.tasks;
}

void Call::dispatch() {
  if (capabilities_.runs_in_caller) return;  // help() does it, batch by batch
  while (!stopped() && take_slot()) {
    Block* block = work_or_leave(Runner::another);
    if (block == nullptr) return;
    submit(block);
  }
}

// For the holder of a slot: work, or null when the slot was given back.
Block* Call::work_or_leave(Runner runner) {
  while (true) {
    if (Block* block = next_work(runner)) return block;
    if (slots_.give_back()) return nullptr;
  }
}

// Holds a slot. Goes round where the backend completes batches before submit() returns, instead of
// deeper.
void Call::submit(Block* block) {
  while (block != nullptr) {
    Submitting here{this, false, submitting};
    submitting = &here;
    in_submit_.fetch_add(1, std::memory_order_relaxed);
    backend_->submit(Batch(*block), OnDone(&batch_done, this, block));
    submitting = here.outer;
    in_submit_.fetch_sub(1, std::memory_order_release);
    if (!here.completed) return;  // from now on the slot belongs to whoever completes the batch
    if (capabilities_.runs_in_caller) return slots_.leave();
    block = work_or_leave(Runner::this_thread);
  }
}

void Call::batch_done(void* call, void* block, Status status) noexcept {
  Call& self = *static_cast<Call*>(call);
  if (self.probe_ && status.code() == StatusCode::lost) self.probe_->worker_lost(status.message());
  self.end_batch(*static_cast<Block*>(block), status);
  for (Submitting* outer = submitting; outer != nullptr; outer = outer->outer) {
    if (outer->call != call || outer->completed) continue;
    outer->completed = true;
    return;
  }
  if (self.slots_.leave_beyond(self.depth_.limit())) return;
  if (self.capabilities_.shared_memory) return self.go_on();
  self.return_slot();
}

// Holds a slot.
void Call::go_on() {
  go_deeper();
  if (Block* next = work_or_leave(Runner::this_thread)) submit(next);
}

// Nothing is left to be read, or to be sent.
bool Call::is_drained() {
  if (stopped()) return true;
  if (!exhausted_.load(std::memory_order_acquire)) return false;
  return blocks_.with([](BlockList& blocks) { return !blocks.has_unsent(); });
}

// By a thread that collects results, which must not wait for the user's range: the caller uses the
// slot, or a thread that may wait.
void Call::return_slot() {
  while (is_drained()) {
    if (slots_.give_back()) return;
  }
  if (returned_.add()) return notify();
  run_on_input_thread([](void* call) { static_cast<Call*>(call)->go_on(); }, this);
}

void Call::arrive() {
  if (!capabilities_.shared_memory) returned_.arrive();
}

bool Call::use_returned_slots() {
  const std::uint32_t count = returned_.take();
  for (std::uint32_t i = 0; i != count; ++i) go_on();
  return count != 0;
}

// What has come back in the last moment does not keep the caller.
void Call::depart() {
  if (capabilities_.shared_memory) return;
  for (std::uint32_t count = returned_.depart(); count != 0; --count) {
    if (reads_slowly_.load(std::memory_order_relaxed) || stopped()) {
      return_slot();
    } else {
      go_on();
    }
  }
}

// One more for each that ends, as long as more of them may be in flight than so far.
void Call::go_deeper() {
  if (depth_.limit() == depth_.usual() || !slots_.has_room(depth_.limit()) || !take_slot()) return;
  if (Block* more = work_or_leave(Runner::another)) submit(more);
}

void Call::end_batch(Block& block, const Status& status) {
  if (block.is_elsewhere()) return block.finish_elsewhere(status);
  if (!status.ok() && block.has_unclaimed()) fail(exception_of(status));
}

bool Call::help() {
  gave_back_.store(false, std::memory_order_relaxed);
  if (stopped() || !(capabilities_.caller_helps || capabilities_.runs_in_caller)) return false;
  // A reader has results to take while a long task runs: it runs none unless it must.
  if (setup_.bounded_results && !capabilities_.runs_in_caller && !may_help_beyond_slots())
    return false;
  const bool borrowed = !joined_ && take_slot();
  if (!joined_ && !borrowed && !may_help_beyond_slots()) return false;
  Block* block = borrowed ? work_or_leave(Runner::this_thread) : next_work(Runner::this_thread);
  if (block == nullptr) return false;
  if (capabilities_.runs_in_caller) {
    submit(block);
  } else {
    run_block(*block);
    if (borrowed) slots_.leave();
  }
  return true;
}

// A reader inside a task of another call: its thread is part of the budget already, and the slots
// may be held by batches that wait for a thread until it is done.
bool Call::may_help_beyond_slots() const {
  const bool is_worker = nesting_level_ > 0 || this_thread_scope().reads_input;
  return is_worker && session_.n_jobs < 0;
}

}  // namespace paracord::detail
