#include "paracord/backends/threads/threads.h"

#include <deque>
#include <memory>
#include <optional>
#include <utility>

#include "paracord/backends/threads/thread_pool.h"
#include "paracord/core/auto_batching.h"
#include "paracord/core/registry.h"

namespace paracord {

namespace {

using std::chrono::microseconds;

// A batch costs some hundred nanoseconds to hand over: at 20 µs that is one or two per cent.
constexpr AutoBatchingMixin::Targets batch_targets{microseconds(20), microseconds(200), std::size_t{1} << 16};
constexpr auto longest_visit = std::chrono::milliseconds(5);

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
  void terminate() override { pool_.retire(*this); }

  void work() noexcept override;
  bool budgeted() const override { return budgeted_; }

 private:
  // The visit that this thread is making: a batch submitted from inside goes to the same thread, next.
  struct Visit {
    ThreadsBackend* backend;
    std::optional<Ticket> next;
  };
  static thread_local Visit* visit;

  std::optional<Ticket> take();

  detail::ThreadPool& pool_ = detail::ThreadPool::instance();
  bool budgeted_ = false;
  bool counted_ = false;
  detail::Guarded<std::deque<Ticket>> queue_;
};

thread_local ThreadsBackend::Visit* ThreadsBackend::visit = nullptr;

Configured ThreadsBackend::configure(const CallSettings& settings) {
  if (settings.backend_options != nullptr) {
    ThreadsOptions options;
    Status status = BackendOptions::read(settings.backend_options, options);
    if (!status.ok()) return {.status = std::move(status)};
    pool_.set_idle_timeout(options.idle_timeout);
  }
  const int workers = effective_n_jobs(settings.n_jobs);
  if (workers == 1) return {.instead = "sequential"};
  budgeted_ = settings.n_jobs < 0;
  counted_ = settings.caller_takes_part && settings.nesting_level == 0;
  if (counted_) pool_.caller_begins();
  return {.workers = workers};
}

void ThreadsBackend::finish_call() {
  if (std::exchange(counted_, false)) pool_.caller_ends();
}

void ThreadsBackend::submit(Batch batch, OnDone on_done) {
  if (visit != nullptr && visit->backend == this && !visit->next) {
    visit->next.emplace(std::move(batch), std::move(on_done));
    return;
  }
  queue_.with([&](std::deque<Ticket>& queue) { queue.emplace_back(std::move(batch), std::move(on_done)); });
  pool_.request(*this);
}

void ThreadsBackend::abort() {
  std::deque<Ticket> dropped;
  queue_.with([&](std::deque<Ticket>& queue) { dropped.swap(queue); });
  for (Ticket& ticket : dropped) ticket.on_done(Status(StatusCode::cancelled, "the backend was aborted"));
}

std::optional<Ticket> ThreadsBackend::take() {
  if (visit->next) return std::exchange(visit->next, std::nullopt);
  return queue_.with([](std::deque<Ticket>& queue) -> std::optional<Ticket> {
    if (queue.empty()) return std::nullopt;
    std::optional<Ticket> ticket(std::move(queue.front()));
    queue.pop_front();
    return ticket;
  });
}

void ThreadsBackend::work() noexcept {
  Visit here{this, std::nullopt};
  Visit* const outer = std::exchange(visit, &here);
  const auto end = std::chrono::steady_clock::now() + longest_visit;
  while (std::optional<Ticket> ticket = take()) {
    ticket->batch.run();
    ticket->on_done();
    // Long calls make way for others now and then: the next batch queues up again.
    if (here.next && pool_.wanted_elsewhere() && std::chrono::steady_clock::now() > end) {
      queue_.with([&](std::deque<Ticket>& queue) { queue.push_back(std::move(*here.next)); });
      here.next.reset();
      pool_.request(*this);
      break;
    }
  }
  visit = outer;
}

}  // namespace

bool detail::register_threads_backend() {
  register_parallel_backend("threads", [] { return std::make_unique<ThreadsBackend>(); });
  return true;
}

}  // namespace paracord
