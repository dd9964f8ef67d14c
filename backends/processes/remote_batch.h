#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <thread>

#include "paracord/core/batch.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/memmap/sharing.h"

namespace paracord::detail {

class WorkerProcess;
struct RemoteBatch;

/// Consecutive tasks of a batch, as they are sent to one worker.
struct BatchPart {
  RemoteBatch* batch = nullptr;
  std::uint32_t first = 0, count = 0;
  int attempt = 1;
  std::uint32_t next = 0;      // the first task that nothing is known of yet
  std::uint32_t over = 0;      // tasks that are over
  std::uint32_t running = 0;   // where its worker was lost: 1 + the task that ran
  SharingSender::Kept kept{};  // shared memory of these tasks' arguments
  std::uint32_t end() const { return first + count; }
};

/// Whose batches they are; told by whoever collects results, one event at a time for each worker.
class BatchOwner {
 public:
  /// While one lives, somebody is at work on the owner's batches. Its last batch may end meanwhile,
  /// and its call with it: so the owner waits for them, with wait_for_visits(), before it goes.
  class Visit {
   public:
    explicit Visit(BatchOwner& owner) : owner_(owner) { owner.visits_.fetch_add(1); }
    Visit(const Visit&) = delete;
    ~Visit() { owner_.visits_.fetch_sub(1, std::memory_order_release); }

   private:
    BatchOwner& owner_;
  };
  void wait_for_visits() const {
    while (visits_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  }

  /// Tasks that have not run, or shall run once more.
  virtual void send_again(BatchPart part) = 0;
  /// Nothing is left of it.
  virtual void batch_over(RemoteBatch& batch) = 0;
  /// The worker has ended a part, and has a place for another.
  virtual void part_over(WorkerProcess& worker) = 0;
  /// A worker that had no place for parts has one.
  virtual void place_free(WorkerProcess& worker) = 0;
  /// The worker has ended; while it ran a task, or not. Its other tasks are sent again afterwards.
  virtual void worker_gone(WorkerProcess& worker, bool ran) = 0;

 protected:
  ~BatchOwner() = default;

 private:
  std::atomic<int> visits_{0};
};

/// A batch while its tasks are with workers.
struct RemoteBatch {
  RemoteBatch(BatchOwner& owner, OnDone on_done, RemoteTasks& tasks, std::uint32_t count)
      : owner(owner), on_done(std::move(on_done)), tasks(tasks), left(count) {}
  BatchOwner& owner;
  OnDone on_done;
  RemoteTasks& tasks;
  // Tasks that are not over, and parts that are with workers: it lives until both are done.
  std::atomic<std::uint32_t> left;
  std::atomic<bool> aborted{false};
  std::atomic<bool> stops{false};  // aborted, and what runs of it is to end
  Guarded<Status> trouble;         // for tasks that nothing was said of

  /// `count` tasks, or parts, are over.
  void over(std::uint32_t count) {
    if (count != 0 && left.fetch_sub(count, std::memory_order_acq_rel) == count)
      owner.batch_over(*this);
  }
};

}  // namespace paracord::detail
