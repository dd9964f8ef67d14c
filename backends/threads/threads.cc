#include "paracord/backends/threads/threads.h"

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "paracord/backends/threads/thread_pool.h"
#include "paracord/core/auto_batching.h"
#include "paracord/core/registry.h"

namespace paracord {

namespace {

using std::chrono::microseconds;

// A batch costs some hundred nanoseconds to hand over: at 20 µs that is one or two per cent.
constexpr AutoBatchingMixin::Targets batch_targets{microseconds(20), microseconds(200),
                                                   std::size_t{1} << 16};
// How long others wait for a thread that goes from batch to batch of one call.
constexpr auto longest_wait = std::chrono::milliseconds(5);

struct Ticket {
  Batch batch;
  OnDone on_done;
};

class ThreadsBackend final : public AutoBatchingMixin, public detail::PoolClient {
 public:
  ThreadsBackend() : AutoBatchingMixin(batch_targets) {}

  Capabilities capabilities() const override {
    return {.shared_memory = true, .caller_helps = true, .batches_per_worker = 1};
  }
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override;
  void finish_call() override;
  void terminate() override;

  void work() noexcept override { make_visit(Visitor::pool_thread); }
  bool budgeted() const override { return budgeted_.load(std::memory_order_relaxed); }

 private:
  // The visit that this thread is making. A batch submitted by the completion of another goes to
  // the same thread, next; one that a running batch submits is for others.
  struct Visit {
    ThreadsBackend* backend;
    std::optional<Ticket> next{};
    bool completing = false;
  };
  static thread_local Visit* visit;

  struct Queue {
    std::deque<Ticket> tickets;
    std::size_t lingering = 0;  // visitors that wait for the next ticket
    int visits = 0;             // asked for or there, lingering ones included
  };

  enum class Visitor { pool_thread, submitter };
  void make_visit(Visitor visitor) noexcept;
  std::optional<Ticket> pop(Queue& queue);
  std::optional<Ticket> next(Visit& here);

  detail::ThreadPool& pool_ = detail::ThreadPool::instance();
  std::atomic<bool> budgeted_{false};  // also read by who lingers from the call before
  int most_visits_ = 0;
  bool counted_ = false;
  detail::Guarded<Queue> queue_;
  std::atomic<std::size_t> queued_{0};  // as many as there are tickets, for visitors that linger
  std::atomic<bool> leaving_{false};
};

thread_local ThreadsBackend::Visit* ThreadsBackend::visit = nullptr;

Configured ThreadsBackend::configure(const CallSettings& settings) {
  if (settings.backend_options != nullptr) {
    ThreadsOptions options;
    Status status = BackendOptions::read(settings.backend_options, options);
    if (!status.ok()) return {.status = std::move(status)};
    if (options.idle_timeout.count() < 0) {
      return {.status = Status(
                  StatusCode::invalid_argument,
                  "ThreadsOptions: idle_timeout = " + std::to_string(options.idle_timeout.count()) +
                      " ms must be 0 or more; 0 ends an idle thread at once")};
    }
    pool_.set_idle_timeout(options.idle_timeout);
  }
  const int workers = effective_n_jobs(settings.n_jobs);
  if (workers == 1) return {.instead = "sequential"};
  budgeted_.store(settings.n_jobs < 0, std::memory_order_relaxed);
  most_visits_ = settings.caller_takes_part ? workers - 1 : workers;
  counted_ = settings.caller_takes_part && settings.nesting_level == 0;
  if (counted_) pool_.caller_begins();
  return {.workers = workers};
}

void ThreadsBackend::finish_call() {
  if (std::exchange(counted_, false)) pool_.caller_ends();
}

void ThreadsBackend::submit(Batch batch, OnDone on_done) {
  if (visit != nullptr && visit->backend == this && visit->completing && !visit->next) {
    visit->next.emplace(std::move(batch), std::move(on_done));
    return;
  }
  const bool ask = queue_.with([&](Queue& queue) {
    queue.tickets.emplace_back(std::move(batch), std::move(on_done));
    queued_.store(queue.tickets.size(), std::memory_order_relaxed);
    if (queue.lingering >= queue.tickets.size() || queue.visits >= most_visits_) return false;
    ++queue.visits;
    return true;
  });
  // Where no thread can be had this one makes the visit, as a last resort.
  if (ask && !pool_.request(*this)) make_visit(Visitor::submitter);
}

void ThreadsBackend::terminate() {
  leaving_.store(true, std::memory_order_relaxed);
  pool_.retire(*this);
}

void ThreadsBackend::abort() {
  const auto next_queued = [this] {
    return queue_.with([this](Queue& queue) { return pop(queue); });
  };
  while (std::optional<Ticket> ticket = next_queued())
    ticket->on_done(Status(StatusCode::cancelled, "aborted"));
}

std::optional<Ticket> ThreadsBackend::pop(Queue& queue) {
  if (queue.tickets.empty()) return std::nullopt;
  std::optional<Ticket> ticket(std::move(queue.tickets.front()));
  queue.tickets.pop_front();
  queued_.store(queue.tickets.size(), std::memory_order_relaxed);
  return ticket;
}

// The next ticket. Waits a moment for it: short calls in a loop then find their thread without the
// pool's help.
std::optional<Ticket> ThreadsBackend::next(Visit& here) {
  if (here.next) return std::exchange(here.next, std::nullopt);
  std::optional<Ticket> ticket = queue_.with([this](Queue& queue) {
    std::optional<Ticket> first = pop(queue);
    if (!first) ++queue.lingering;
    return first;
  });
  if (ticket) return ticket;
  detail::spin_until(
      [this] {
        return queued_.load(std::memory_order_relaxed) != 0 || pool_.wanted_elsewhere(*this) ||
               leaving_.load(std::memory_order_relaxed);
      },
      detail::spin_limit() / 2);
  return queue_.with([this](Queue& queue) {
    --queue.lingering;
    std::optional<Ticket> late = pop(queue);
    if (!late) --queue.visits;
    return late;
  });
}

void ThreadsBackend::make_visit(Visitor visitor) noexcept {
  Visit here{this};
  Visit* const outer = std::exchange(visit, &here);
  std::optional<std::chrono::steady_clock::time_point> make_way_at;
  while (std::optional<Ticket> ticket = next(here)) {
    ticket->batch.run();
    here.completing = true;
    ticket->on_done();
    here.completing = false;
    if (!here.next || visitor == Visitor::submitter || !pool_.wanted_elsewhere(*this)) continue;
    // A long call makes way for others now and then: its next batch queues up again.
    const auto now = std::chrono::steady_clock::now();
    if (!make_way_at) make_way_at = now + longest_wait;
    if (now < *make_way_at) continue;
    visit = outer;
    queue_.with([](Queue& queue) { --queue.visits; });
    return submit(std::move(here.next->batch), std::move(here.next->on_done));
  }
  visit = outer;
}

}  // namespace

bool detail::register_threads_backend() {
  register_parallel_backend("threads", [] { return std::make_unique<ThreadsBackend>(); });
  return true;
}

}  // namespace paracord
