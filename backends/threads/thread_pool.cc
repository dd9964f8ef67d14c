#include "paracord/backends/threads/thread_pool.h"

#include <pthread.h>

#include <algorithm>
#include <climits>
#include <iterator>
#include <utility>

#include "paracord/core/cpu_count.h"
#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

constexpr std::chrono::milliseconds shortest_sleep{1};

std::atomic<ThreadPool*> the_pool{nullptr};

// The child of a fork has none of the threads, and a lock may be held for ever: it gets a new pool.
void forget_pool_after_fork() {
  the_pool.store(nullptr);
}

}  // namespace

ThreadPool& ThreadPool::instance() {
  static const int registered = pthread_atfork(nullptr, nullptr, &forget_pool_after_fork);
  (void)registered;
  ThreadPool* pool = the_pool.load(std::memory_order_acquire);
  if (pool != nullptr) return *pool;
  auto* fresh = new ThreadPool();  // never deleted: its threads may outlive main
  if (the_pool.compare_exchange_strong(pool, fresh)) return *fresh;
  delete fresh;
  return *pool;
}

ThreadPool::ThreadPool() {
  state_.with([](State& state) { state.budget = cpu_count(); });
}

void ThreadPool::set_idle_timeout(std::chrono::milliseconds timeout) {
  state_.with([&](State& state) { state.idle_timeout = timeout; });
}

int ThreadPool::runnable(const State& state) const {
  const int free =
      std::max(0, state.budget - state.busy - callers_.load(std::memory_order_seq_cst));
  return static_cast<int>(state.promised.size()) +
         std::min(free, static_cast<int>(state.budgeted.size()));
}

void ThreadPool::update(State& state) {
  budgeted_waiting_.store(state.budgeted.size(), std::memory_order_seq_cst);
  runnable_.store(runnable(state), std::memory_order_relaxed);
}

// Under the lock: the threads that are missing for what could begin. New ones count as spinning
// from now on. Where a visit waits for the budget there is one thread at least, so that the visit's
// turn does not depend on whether a thread can be started then.
ThreadPool::Missing ThreadPool::missing(State& state) {
  update(state);
  const int count = runnable(state) - state.spinning;
  const bool alone = state.busy + state.spinning + state.sleeping == 0;
  const Missing missing{count > 0 && state.sleeping > 0,
                        count > state.sleeping || (alone && !state.budgeted.empty())};
  if (missing.start) ++state.spinning;
  return missing;
}

// False where a thread had to be started and could not.
bool ThreadPool::provide(Missing missing) {
  if (missing.wake) {
    wake_epoch_.fetch_add(1, std::memory_order_release);
    futex_wake(&wake_epoch_, 1);
  }
  return !missing.start || start_thread();
}

bool ThreadPool::request(PoolClient& client) {
  const auto queue_of = [&client](State & state) -> auto& {
    return client.budgeted() ? state.budgeted : state.promised;
  };
  const bool provided = provide(state_.with([&](State& state) {
    queue_of(state).push_back(&client);
    return missing(state);
  }));
  if (provided) return true;
  // Other threads may be busy for as long as their tasks wait for this one: the request is taken
  // back, unless one of them has taken it up meanwhile.
  return state_.with([&](State& state) {
    auto& queue = queue_of(state);
    const auto waiting = std::find(queue.rbegin(), queue.rend(), &client);
    if (waiting == queue.rend()) return true;
    queue.erase(std::next(waiting).base());
    update(state);
    return false;
  });
}

void ThreadPool::caller_begins() {
  callers_.fetch_add(1, std::memory_order_seq_cst);
}

// Visits that waited for the budget may begin now; whoever queues one looks at the callers after
// that.
void ThreadPool::caller_ends() {
  callers_.fetch_sub(1, std::memory_order_seq_cst);
  if (budgeted_waiting_.load(std::memory_order_seq_cst) == 0) return;
  (void)provide(state_.with([this](State& state) { return missing(state); }));
}

// Under the lock: the next visit that may begin; the thread is then no longer spinning but at work.
PoolClient* ThreadPool::take_visit(State& state) {
  PoolClient* client = nullptr;
  if (!state.promised.empty()) {
    client = state.promised.front();
    state.promised.pop_front();
  } else if (runnable(state) > 0) {
    client = state.budgeted.front();
    state.budgeted.pop_front();
  }
  if (client != nullptr) {
    ++client->visitors_;
    ++state.busy;
    --state.spinning;
  }
  update(state);
  return client;
}

// Called by a thread that counts as spinning. Null: try again, or end.
PoolClient* ThreadPool::next_client(bool& retire_thread) {
  const bool work = spin_until([this] { return runnable_.load(std::memory_order_relaxed) > 0; });
  if (!work && !sleep_for_work()) {
    retire_thread = true;
    return nullptr;
  }
  return state_.with([this](State& state) { return take_visit(state); });
}

// False when the idle time is over, and the thread counts no more. A thread stays while a visit
// waits for the budget; see missing().
bool ThreadPool::sleep_for_work() {
  std::uint32_t epoch = 0;
  SteadyClock::time_point deadline;
  const bool sleep = state_.with([&](State& state) {
    if (runnable(state) > 0) return false;
    --state.spinning;
    ++state.sleeping;
    epoch = wake_epoch_.load(std::memory_order_relaxed);
    deadline = SteadyClock::now() + steady_duration(std::max(state.idle_timeout, shortest_sleep));
    return true;
  });
  if (!sleep) return true;
  futex_wait(wake_epoch_, epoch, deadline);
  return state_.with([&](State& state) {
    --state.sleeping;
    const bool wanted = runnable(state) > 0 || !state.budgeted.empty();
    if (!wanted && SteadyClock::now() >= deadline) return false;
    ++state.spinning;
    return true;
  });
}

void ThreadPool::end_visit(PoolClient& client) {
  const bool awaited = state_.with([&](State& state) {
    --client.visitors_;
    --state.busy;
    ++state.spinning;
    update(state);
    return state.retiring > 0;
  });
  if (!awaited) return;
  left_.fetch_add(1, std::memory_order_release);
  futex_wake(&left_, INT_MAX);
}

void ThreadPool::retire(PoolClient& client) {
  state_.with([](State& state) { ++state.retiring; });
  while (true) {
    const std::uint32_t left = left_.load(std::memory_order_acquire);
    const bool gone = state_.with([&](State& state) {
      std::erase(state.promised, &client);
      std::erase(state.budgeted, &client);
      update(state);
      state.retiring -= client.visitors_ == 0;
      return client.visitors_ == 0;
    });
    if (gone) return;
    futex_wait(left_, left, std::nullopt);
  }
}

void ThreadPool::run() {
  for (bool retire_thread = false; !retire_thread;) {
    PoolClient* client = next_client(retire_thread);
    if (client == nullptr) continue;
    client->work();
    end_visit(*client);
  }
}

void* ThreadPool::thread_main(void* pool) {
  unblock_own_signals();
  pthread_setname_np(pthread_self(), "paracord");
  static_cast<ThreadPool*>(pool)->run();
  return nullptr;
}

bool ThreadPool::start_thread() {
  const ProgramSignalsBlocked blocked;
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_t thread;
  const int failed = pthread_create(&thread, &attributes, &thread_main, this);
  pthread_attr_destroy(&attributes);
  if (failed != 0) state_.with([](State& state) { --state.spinning; });
  return failed == 0;
}

}  // namespace paracord::detail
