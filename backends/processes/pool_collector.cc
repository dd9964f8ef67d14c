// ProcessPool: collecting results, by the caller who waits or by a thread of the pool's.

#include <algorithm>

#include "paracord/backends/processes/process_pool.h"
#include "paracord/backends/worker/shared_futex.h"

namespace paracord::detail {

namespace {

thread_local bool this_thread_leads = false;

}  // namespace

bool ProcessPool::lead() {
  if (led_.exchange(true, std::memory_order_acq_rel)) return false;
  this_thread_leads = true;
  return true;
}

void ProcessPool::stop_leading() {
  this_thread_leads = false;
  led_.store(false, std::memory_order_seq_cst);
  followers_.notify();
  if (unsettled_.load() > 0) return watch();
  // Calls whose callers do not wait have started it.
  if (parts_.load() > 0) background_.notify();
}

bool ProcessPool::wait(const std::function<bool()>& ready, Deadline deadline) {
  // A codec or a completion that makes a call of its own waits inside of the collector.
  const bool nested = this_thread_leads;
  while (!nested && !lead()) {
    const auto look = [&] { return ready() || !led_.load(std::memory_order_acquire); };
    if (!followers_.wait(look, deadline)) return false;
    if (ready()) return true;
  }
  // Whatever is thrown meanwhile: others wait for the lead.
  struct Lead {
    ProcessPool* pool;
    ~Lead() {
      if (pool != nullptr) pool->stop_leading();
    }
  };
  {
    const Lead until_then{nested ? nullptr : this};
    collect_until(ready, deadline);
  }
  return ready();
}

void ProcessPool::interrupt() {
  followers_.notify();
  if (this_thread_leads) return;
  bell_->rings.fetch_add(1, std::memory_order_seq_cst);
  if (bell_->sleeps.load(std::memory_order_seq_cst) != 0) shared_futex_wake(bell_->rings);
}

void ProcessPool::watch() {
  try {
    std::call_once(background_started_,
                   [this] { start_thread(&ProcessPool::collect_in_background); });
  } catch (const BackendUnavailable&) {
    // Then whoever waits next collects; and the next to come here tries again.
  }
  background_.notify();
}

void ProcessPool::collect_in_background() {
  const auto wanted = [this] { return parts_.load() > 0 || unsettled_.load() > 0; };
  while (true) {
    background_.wait([&] { return wanted() && !led_.load(); });
    if (!lead()) continue;
    collect_until([&] { return !wanted(); }, std::nullopt);
    stop_leading();
  }
}

void ProcessPool::collect_until(const std::function<bool()>& ready, Deadline deadline) {
  while (!ready()) {
    if (deadline && Clock::now() >= *deadline) return;
    const std::uint32_t seen = bell_->rings.load(std::memory_order_seq_cst);
    if (collect_all()) continue;
    const auto rung = [&] { return bell_->rings.load(std::memory_order_acquire) != seen; };
    if (yield_until([&] { return rung() || ready(); })) continue;
    bell_->sleeps.store(1, std::memory_order_seq_cst);
    if (!rung() && !ready()) {
      std::optional<std::chrono::nanoseconds> most;
      if (deadline)
        most = std::max(std::chrono::nanoseconds(0),
                        std::chrono::nanoseconds(*deadline - Clock::now()));
      shared_futex_wait(bell_->rings, seen, most);
    }
    bell_->sleeps.store(0, std::memory_order_seq_cst);
  }
}

bool ProcessPool::collect_all() {
  const std::uint64_t changes = changes_.load(std::memory_order_acquire);
  if (changes != known_changes_) {
    const std::lock_guard<SpinMutex> hold(mutex_);
    known_changes_ = changes;
    leased_.clear();
    for (const auto& member : state_.members) {
      if (member->leased) leased_.push_back(member->worker);
    }
  }
  bool any = false;
  for (std::size_t i = 0; i != leased_.size(); ++i) {
    const WorkerHandle worker = leased_[i];
    any |= worker->collect();
    // What it led to may have changed who is leased: begin anew.
    if (changes_.load(std::memory_order_acquire) != known_changes_) return true;
  }
  if (unsettled_.load() == 0) return any;
  for (const WorkerHandle& worker : std::vector<WorkerHandle>(leased_)) {
    if (settle(*worker)) return true;
  }
  return any;
}

// The last results of a worker that has ended, and what it owes.
bool ProcessPool::settle(WorkerProcess& worker) {
  std::optional<BatchOwner::Visit> visit;
  {
    // A call that ends meanwhile gives the worker back first, under this lock, and then waits for
    // visits.
    const std::lock_guard<SpinMutex> hold(mutex_);
    const Member* member = find(worker);
    if (member == nullptr || !member->leased || !member->ended) return false;
    visit.emplace(*worker.call().owner);
  }
  worker.collect();
  std::vector<BatchPart> losses = worker.take_losses();
  // One that has run tasks before has not failed to start.
  const bool ran =
      worker.ever_ran() || std::any_of(losses.begin(), losses.end(),
                                       [](const BatchPart& part) { return part.running != 0; });
  worker.call().owner->worker_gone(worker, ran);
  for (BatchPart& part : losses) worker.lose(std::move(part));
  give_back(worker, false);
  return true;
}

}  // namespace paracord::detail
