#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

#include "paracord/core/batch.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/memmap/sharing.h"

namespace paracord::detail {

class WorkerProcess;
struct RemoteBatch;

/// Consecutive tasks of a batch, as they are sent to one worker.
struct Part {
  RemoteBatch* batch = nullptr;
  std::uint32_t first = 0, count = 0;
  int attempt = 1;
  std::uint32_t next = 0;     // the first task that nothing is known of yet
  std::uint32_t over = 0;     // tasks that are over
  std::uint32_t running = 0;  // where its worker was lost: 1 + the task that ran
  SharingSender::Kept kept{};   // shared memory of these tasks' arguments
  std::uint32_t end() const { return first + count; }
};

/// Whose batches they are; told by whoever collects results, one event at a time for each worker.
class BatchOwner {
 public:
  /// Tasks that have not run, or shall run once more.
  virtual void send_again(Part part) = 0;
  /// Nothing is left of it.
  virtual void batch_over(RemoteBatch& batch) = 0;
  /// The worker has a place for another part.
  virtual void part_over(WorkerProcess& worker) = 0;
  /// The worker has ended; while it ran a task, or not. Its other tasks are sent again afterwards.
  virtual void worker_gone(WorkerProcess& worker, bool ran) = 0;

 protected:
  ~BatchOwner() = default;
};

/// A batch while its tasks are with workers.
struct RemoteBatch {
  RemoteBatch(BatchOwner& owner, OnDone on_done, RemoteTasks& tasks, std::uint32_t count)
      : owner(owner), on_done(std::move(on_done)), tasks(tasks), left(count) {}
  BatchOwner& owner;
  OnDone on_done;
  RemoteTasks& tasks;
  std::atomic<std::uint32_t> left;  // tasks that are not over
  Guarded<Status> trouble;          // for tasks that nothing was said of

  /// `count` tasks are over.
  void over(std::uint32_t count) {
    if (count != 0 && left.fetch_sub(count, std::memory_order_acq_rel) == count)
      owner.batch_over(*this);
  }
};

}  // namespace paracord::detail
