// Call: how it ends, in time or before.

#include <stdexcept>
#include <thread>

#include "paracord/core/call.h"
#include "paracord/core/errors.h"

namespace paracord::detail {

void Call::CancelFromToken::operator()() const noexcept {
  call->fail(
      exception_of(Status(StatusCode::cancelled, "the call was cancelled by its stop_token")));
}

void Call::refuse_in_child() const {
  if (session_.is_an_ancestors())
    throw BackendUnavailable(
        "the call was made by the process that this one was forked off; make calls of its own "
        "here");
}

void Call::abort_if_stopped() {
  if (!abort_is_due()) return;
  aborted_ = true;
  backend_->abort();
}

bool Call::over() const {
  const bool no_more = exhausted_.load(std::memory_order_acquire) || stopped();
  return no_more && live_blocks_.load(std::memory_order_acquire) == 0;
}

void Call::fail(std::exception_ptr error) {
  error_.with([&](std::exception_ptr& first) {
    if (first == nullptr) first = std::move(error);
  });
  stopped_.store(true, std::memory_order_seq_cst);
  cancel_unclaimed();
  notify();
}

Deadline Call::deadline() const {
  const SteadyClock::rep by = deadline_.load(std::memory_order_relaxed);
  if (by == no_deadline) return std::nullopt;
  return SteadyClock::time_point(SteadyClock::duration(by));
}

void Call::set_deadline(Deadline deadline) {
  deadline_.store(deadline ? deadline->time_since_epoch().count() : no_deadline,
                  std::memory_order_relaxed);
}

void Call::out_of_time() {
  if (stopped()) return;
  const std::string limit = std::to_string(options().timeout->count()) + " s";
  const std::string what = setup_.bounded_results ? "the next result did not come within "
                                                  : "the call was not done after ";
  fail(std::make_exception_ptr(TimeoutError("timeout: " + what + limit)));
}

bool Call::stop_requested(const RunningTask& task) const {
  if (stopped()) return true;
  const Deadline by = deadline();
  if (!by && !task_timeout_) return false;
  const auto now = SteadyClock::now();
  return (by && now >= *by) || (task_timeout_ && now - task.started >= *task_timeout_);
}

void Call::close() {
  if (session_.is_an_ancestors()) return use_.reset();
  on_stop_.reset();
  if (!over()) {
    stopped_.store(true, std::memory_order_seq_cst);
    cancel_unclaimed();
  }
  if (joined_) slots_.leave();
  joined_ = false;
  if (!slots_.all_free()) {
    backend_->abort();
    slots_.wait_until_free();
  }
  // Another thread may still be inside of the submit() whose batch is over: the backend, and this
  // call, stay until it has returned.
  while (in_submit_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  backend_->finish_call();
  if (probe_) probe_->call_finished(pulled_.load(std::memory_order_relaxed), stopped());
  use_.reset();
}

Call::~Call() {
  if (!session_.is_an_ancestors()) discard_results();
}

}  // namespace paracord::detail
