#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <unordered_set>
#include <vector>

#include "paracord/backends/processes/lanes.h"
#include "paracord/backends/processes/process_pool.h"
#include "paracord/backends/processes/processes.h"
#include "paracord/core/auto_batching.h"

namespace paracord::detail {

/// The backend of one call after another: shares its batches out among the workers that it leases
/// from the pool, and sends again what comes back from them.
///
/// Threads: as ParallelBackendBase says; what workers have done is told by whoever collects.
class ProcessesBackend final : public AutoBatchingMixin, public BatchOwner {
 public:
  using Clock = std::chrono::steady_clock;

  ProcessesBackend();

  /// For tasks that come from elsewhere: before configure().
  struct Relay {
    std::string program;                               ///< that runs them; empty: this one
    std::function<ModuleName(std::uint32_t)> modules;  ///< what the caller's numbers mean here
    int slots = 1;                                     ///< tasks at once; workers may be more
    bool at_once = false;                              ///< the caller reads the results one by one
    /// Any thread: where others share the slots (see allow()), a worker has nothing to do any more,
    /// or a part waits for one.
    std::function<void()> has_changed{};
  };
  void relay(Relay relay);
  /// From now on so many workers run tasks at once, not counting those that are parked. `ahead`:
  /// they are sent more than they run. Else what they have not begun is taken back and waits here,
  /// so that busy() is what really runs, and a worker without work goes back to the pool, where
  /// other calls find it.
  void allow(int busy, bool ahead = true);
  /// Workers that count for allow(), and parts that wait for one.
  int busy();
  std::size_t waiting();
  /// While the task that this batch is at waits for others, its worker does not count.
  void park(const std::array<std::uint64_t, 2>& assignment, bool parked);
  /// Passes on what its workers have printed so far.
  void pass_on_output();
  /// What has not begun of these tasks does not begin any more. `stop`: what runs is asked to end,
  /// and killed after the time of grace. The batch is completed as ever. Returns whether there was
  /// something that had not begun.
  bool withdraw(const RemoteTasks& tasks, bool stop);

  Capabilities capabilities() const override {
    return {.caller_collects = true, .inner_max_num_threads = true, .batches_per_worker = 8};
  }
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override;
  bool wait(const std::function<bool()>& ready, std::optional<Clock::time_point> deadline) override;
  void interrupt() override { pool_->interrupt(); }
  void finish_call() override;

  void send_again(BatchPart part) override;
  void batch_over(RemoteBatch& batch) override;
  void part_over(WorkerProcess& worker) override;
  void place_free(WorkerProcess& worker) override;
  void worker_gone(WorkerProcess& worker, bool before_it_ran) override;

 private:
  // A place for one worker; its number is the worker's index in the call.
  struct Lane {
    WorkerHandle worker;
    bool starting = false;   // somebody is about to lease one
    bool condemned = false;  // its worker is to stop what it runs, or to be killed
    bool full = false;       // its worker has run as many tasks as it may, or has grown too much
    int senders = 0;         // of relayed tasks: threads that have chosen it and send to it
    Clock::time_point looked{};
  };
  struct State {
    std::vector<Lane> lanes;  // that were ever used
    std::size_t most_lanes = 0;
    std::deque<BatchPart> backlog;  // no lane has a place
    int failed_starts = 0;          // in a row
    int most_busy = std::numeric_limits<int>::max();
    bool ahead = true;  // see allow()
    ParkedBatches parked;
    Status trouble;  // no worker can run what is to be run
    std::unordered_set<RemoteBatch*> batches;
  };

  void prepare_call(const ParallelOptions& options, int nesting_level);
  void dispatch(BatchPart part);
  static LaneChoice look(const State& state);
  static std::optional<std::size_t> choose(const State& state);
  struct Place {
    std::size_t lane;
    WorkerHandle worker;  // that expects the part; null: one is to be leased
  };
  std::optional<BatchPart> send(Place place, BatchPart part);
  bool stop_sending(std::size_t lane);
  bool stands_behind_parked(WorkerProcess& worker);
  WorkerHandle lease(std::size_t lane);
  void forget(std::size_t lane, const WorkerProcess& lost);
  std::optional<BatchPart> within_quota(WorkerProcess& worker, BatchPart& part);
  void take_back_all(WorkerProcess& worker);
  bool take_back_and_share(WorkerProcess& worker, const RemoteBatch* of = nullptr);
  void take_back_queued();
  bool condemn(const WorkerProcess& worker);
  void abort_in(WorkerProcess& worker);
  void end_stopped(WorkerProcess& worker, const char* why);
  static void refuse(BatchPart part, const Status& why);
  void send_backlog();
  std::uint32_t share_of(const State& state, const BatchPart& part) const;
  void share_out(WorkerProcess& idle);
  void feed_idle_workers();
  bool has_grown(Lane& lane);
  void release_idle();
  void tell_of_change();
  static void clear(Lane& lane);

  ProcessPool* pool_ = &ProcessPool::instance();
  const std::uint64_t id_;  // among all objects: an initializer runs once for each
  ProcessesOptions options_;
  const ParallelOptions* call_options_ = nullptr;
  WorkerSpec spec_;
  WorkerProcess::Call call_;
  bool caller_waits_ = false;
  std::optional<Relay> relay_;
  CallMemory memory_;
  Guarded<State> state_;
  std::atomic<std::uint64_t> aborts_{0};
  std::atomic<bool> had_nothing_{false};  // a worker may have looked for work, and found none
};

}  // namespace paracord::detail
