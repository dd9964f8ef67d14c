#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>

#include "paracord/core/futex.h"
#include "paracord/core/guarded.h"

namespace paracord::detail {

/// Whoever has work for pool threads. A thread that comes stays until leave_or_work() has nothing
/// more for it.
class PoolClient {
 public:
  /// Works; returns when there is nothing left, or when the pool wants its thread for somebody
  /// else.
  virtual void work() noexcept = 0;
  /// Whether its threads come out of the budget of one thread per CPU (n_jobs was negative), or are
  /// promised.
  virtual bool budgeted() const = 0;

 protected:
  ~PoolClient() = default;

 private:
  friend class ThreadPool;
  int visitors_ = 0;  // threads inside work(), under the pool's lock
};

/// The process's threads for tasks: made when work comes and nobody is free, ended when idle for
/// long.
///
/// Threads: any. Its threads wait by spinning for spin_limit(), then sleep.
/// Owns:    the threads. Never destroyed; after a fork the child starts with a new, empty pool.
class ThreadPool {
 public:
  static ThreadPool& instance();

  /// Asks for one more thread to come to `client`. False where none can be had, and none will come.
  [[nodiscard]] bool request(PoolClient& client);
  /// No thread comes to `client` any more; waits for those that are there.
  void retire(PoolClient& client);

  /// A caller that runs tasks itself counts against the budget meanwhile.
  void caller_begins();
  void caller_ends();

  /// Whether others wait for the thread that works for `client`, or for the part of the budget that
  /// it takes up. For clients, between two batches.
  bool wanted_elsewhere(const PoolClient& client) const {
    return runnable_.load(std::memory_order_relaxed) > 0 ||
           (client.budgeted() && budgeted_waiting_.load(std::memory_order_relaxed) > 0);
  }

  void set_idle_timeout(std::chrono::milliseconds timeout);

 private:
  struct State {
    std::deque<PoolClient*> promised, budgeted;  // visits that wait
    int busy = 0;                                // pool threads at work
    int budget = 1;
    int spinning = 0, sleeping = 0;
    int retiring = 0;  // calls of retire() that wait
    std::chrono::milliseconds idle_timeout{10'000};
  };

  struct Missing {
    bool wake, start;
  };

  ThreadPool();
  Missing missing(State& state);
  bool provide(Missing missing);
  static void* thread_main(void* pool);
  void run();
  PoolClient* next_client(bool& retire_thread);
  PoolClient* take_visit(State& state);
  bool sleep_for_work();
  void end_visit(PoolClient& client);
  int runnable(const State& state) const;
  void update(State& state);
  bool start_thread();

  Guarded<State> state_;
  std::atomic<int> runnable_{0};  // visits that could begin now
  std::atomic<std::size_t> budgeted_waiting_{0};
  alignas(64) std::atomic<int> callers_{0};  // they count as busy
  std::atomic<std::uint32_t> wake_epoch_{0};
  std::atomic<std::uint32_t> left_{0};  // counts ends of visits, for retire()
};

}  // namespace paracord::detail
