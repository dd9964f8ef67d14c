#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <stop_token>
#include <vector>

#include "paracord/core/block.h"
#include "paracord/core/block_list.h"
#include "paracord/core/call_kind.h"
#include "paracord/core/depth.h"
#include "paracord/core/entry.h"
#include "paracord/core/errors.h"
#include "paracord/core/event.h"
#include "paracord/core/probe.h"
#include "paracord/core/returned_slots.h"
#include "paracord/core/scope.h"
#include "paracord/core/session.h"
#include "paracord/core/slot_count.h"
#include "paracord/core/task_range.h"
#include "paracord/core/worker_indexes.h"

namespace paracord::detail {

/// One call: reads tasks, hands them to the backend as batches, keeps results until they are taken.
///
/// The tasks stand in blocks. A slot is the right to have one batch in flight; whoever holds one
/// looks for work (a new block from the input, or what nobody has claimed of an older one) and
/// submits it. When the batch completes, the slot is used again on the spot, by the thread that
/// completed it, until there is nothing left.
///
/// Threads: as marked. One thread at a time reads the user's range, and tells the observer of what
///   was read before any of it runs; others that want to read meanwhile leave their slots to it.
///   Where batches run elsewhere, the thread that collects results never reads the range.
/// Owns:    the blocks. Lives until every slot is back: a slot's holder may touch it, nobody else.
class Call final : public CallControl {
 public:
  using Order = ResultOrder;
  using Setup = CallKind;
  /// Begins: configures the backend. Throws what a call throws before any task starts.
  Call(Session& session, TaskRange& tasks, Setup setup);
  Call(const Call&) = delete;
  ~Call();

  // --- by the thread that made the call ---
  /// Fills the free slots with work. Also by whoever gave tasks back.
  void dispatch();
  /// Keeps a slot for the caller itself, for a call during which it does nothing else, and finds it
  /// the first work; null where the backend does all.
  Block* join();
  /// Does something useful on this thread: false where there is nothing, or it may not.
  bool help();
  /// Waits until `ready()`, or until there is something to help with. False when the deadline has
  /// passed.
  template <class Ready>
  bool wait(Ready ready, Deadline deadline) {
    refuse_in_child();
    abort_if_stopped();
    reader_waits_.store(true, std::memory_order_seq_cst);
    const auto look = [&] {
      return ready() || gave_back_.load(std::memory_order_relaxed) || abort_is_due() ||
             returned_.has_any();
    };
    const bool is_ready = capabilities_.caller_collects ? backend_->wait(look, deadline)
                                                        : progress_.wait(look, deadline);
    reader_waits_.store(false, std::memory_order_relaxed);
    return is_ready;
  }
  bool nap(const std::function<bool()>& ready);  ///< for a moment, before a wait()
  void refuse_in_child() const;  ///< throws in the child of a fork: the call is its parent's
  /// Between these, slots whose batch has ended elsewhere come to use_returned_slots(); at other
  /// times another thread reads the input for them.
  void arrive();
  void depart();
  /// Reads the input for slots that have come back. False: there were none.
  bool use_returned_slots();
  bool over() const;  ///< no task is left, and none runs
  bool stopped() const { return stopped_.load(std::memory_order_acquire); }  ///< ended early
  /// Takes a finished block off the front, or null. Gives back the one taken before.
  Block* take_finished(Block* previous);
  /// For readers: the next block in order, or one with new results; null where there is none yet.
  Block* next_readable();
  void read_to_end(Block& block);
  /// The reader has let go of `count` results.
  void results_read(std::size_t count) { read_.fetch_add(count, std::memory_order_release); }
  bool reads_all_first() const;
  void read_ahead();  ///< what pre_dispatch says, before anything is dispatched
  /// Stops what has not started, waits for what has, and closes the call. Then error() is final,
  /// and the session is free for another call.
  void close();
  std::exception_ptr error() {
    return error_.with([](auto& error) { return error; });
  }

  // --- by any thread ---
  /// Ends the call with a TimeoutError where its deadline has passed, and says whether it has.
  bool check_deadline() {
    const Deadline by = deadline();
    if (!by || SteadyClock::now() < *by) return false;
    out_of_time();
    return true;
  }
  /// Ends the call with this error, unless it has one; null just ends it.
  void fail(std::exception_ptr error);
  void run_block(Block& block) noexcept;
  bool stop_requested(const RunningTask& task) const override;

  // --- by whoever runs a batch elsewhere; see RemoteTasks ---
  bool wants_task_times() const;
  void encode_task(Block& block, std::size_t index, Encoder& out);
  std::string function_of(const Block& block, std::size_t index) const;
  /// Inside the handler of what the task's encoding threw.
  void task_failed_in(Phase phase, Block& block, std::size_t index) noexcept;
  bool retry(const RemoteRun& run) const;
  void remote_succeeded(Block& block, std::size_t index, Decoder& result,
                        const RemoteRun& run) noexcept;
  void remote_threw(Block& block, std::size_t index, Decoder& error, const RemoteRun& run) noexcept;
  void remote_failed(Block& block, std::size_t index, std::exception_ptr error,
                     const RemoteRun& run) noexcept;
  void remote_dropped(Block& block, std::size_t index, const Status& status) noexcept;
  void remote_measured(Block& block, std::size_t count, std::chrono::nanoseconds ran) noexcept;
  void remote_finished(Block& block) noexcept;

  const ParallelOptions& options() const { return session_.options; }
  Deadline deadline() const;
  void set_deadline(Deadline deadline);  ///< of what the caller waits for

 private:
  static constexpr SteadyClock::rep no_deadline = std::numeric_limits<SteadyClock::rep>::max();
  struct CancelFromToken {
    Call* call;
    void operator()() const noexcept;
  };
  static void batch_done(void* call, void* block, Status status) noexcept;
  void configure();
  void refuse_bound_tasks() const;
  void prepare();
  void end_batch(Block& block, const Status& status);
  void discard_results();
  bool may_help_beyond_slots() const;
  // Tasks elsewhere do not see that the call stops: the backend tells them.
  bool abort_is_due() const { return !capabilities_.shared_memory && !aborted_ && stopped(); }
  void abort_if_stopped();
  void notify() {
    progress_.notify();
    if (capabilities_.caller_collects) backend_->interrupt();
  }
  bool take_slot() { return slots_.take(depth_.limit()); }
  void go_deeper();
  void go_on();
  void return_slot();
  bool is_drained();
  bool take_source();
  void submit(Block* block);
  enum class Runner { this_thread, another };
  Block* next_work(Runner runner);
  Block* work_or_leave(Runner runner);
  Block* pull_block();
  struct Wanted {
    std::size_t size;
    std::size_t automatic;  // what the backend's statistics say
    bool sent;              // a batch for it follows at once
  };
  Block* read_block(Wanted wanted);
  Block* fill_block(Wanted wanted, std::exception_ptr& thrown);
  Block* older_work(Runner runner);
  void publish(Block& block);
  void read_all();
  Wanted wanted_size();
  std::optional<std::size_t> fixed_batch() const;
  std::size_t room_for_results(std::size_t size, std::size_t unread) const;
  std::size_t grain_of(std::size_t size) const;
  bool reclaim_hidden_tasks();
  void share_out();
  void publish_result(Block& block, std::size_t index);
  void tell_reader(Block& block);
  void run_claims(Block& block, RunningTask& task);
  void run_in_scope(Block& block, RunningTask& task);
  bool initialise(Block& block);
  std::size_t run_claim(RunningClaims& runner, Block::Claim claim, RunningTask& task);
  void run_fast(RunningClaims& runner, std::size_t end, RunningTask& task);
  void run_alone(Block& block, std::size_t index, RunningTask& task);
  std::size_t leave_rest(RunningClaims& runner, std::size_t end);
  void run_watched(Block& block, std::size_t index, RunningTask& task);
  bool run_attempt(Block& block, std::size_t index, RunningTask& task, bool last);
  void report(Block& block, std::size_t index, const RunningTask& task,
              SteadyClock::time_point ended, std::exception_ptr error);
  void task_failed(Block& block, std::size_t index, const RunningTask& task) noexcept;
  TaskFailure failure_of(Block& block, std::size_t index, const RemoteRun& run) const;
  void gap(Block& block, std::size_t index, std::exception_ptr error,
           const RemoteRun& run) noexcept;
  void remote_report(Block& block, std::size_t index, const RemoteRun& run,
                     std::exception_ptr error);
  void skip(Block& block, std::size_t begin, std::size_t end);
  void finish_tasks(Block& block, std::size_t count);
  void cancel_unclaimed();
  void out_of_time();

  Session& session_;
  std::optional<SessionUse> use_;  // until close()
  TaskRange& tasks_;
  const Setup setup_;
  const Layout layout_;
  const std::size_t size_;  // of the input, or unknown_size
  ParallelBackendBase* backend_;
  const std::string* backend_in_use_ = nullptr;  // its name
  Capabilities capabilities_;
  int nesting_level_, workers_ = 0;
  Depth depth_;
  bool transparent_ = false;  // tasks run at the caller's level and in its scope
  bool timed_ = true;         // run times say how large the next batches shall be
  bool watched_ = false;      // each task is timed, reported or retried by itself
  std::string nested_backend_;
  OnWorkerOutput on_output_;
  std::optional<Probe> probe_;
  std::atomic<SteadyClock::rep> deadline_{no_deadline};
  std::optional<SteadyClock::duration> task_timeout_;
  bool joined_ = false, aborted_ = false;  // the caller's own
  // What several threads write stands apart, each on cache lines of its own.
  // The source is held while the range is read, which may take long: see read_block.
  alignas(64) SpinMutex source_;
  std::atomic<bool> source_wanted_{false};  // somebody has left without having read
  std::atomic<bool> reads_slowly_{false};   // the range, as of its last block
  std::size_t next_index_ = 0;              // with source_
  std::size_t handed_out_ = 0;  // of a reader's tasks that were all read first; with blocks_
  std::atomic<bool> exhausted_{false};
  std::atomic<std::size_t> pulled_{0};
  alignas(64) std::atomic<std::size_t> ended_{0};  // tasks that ran, failed or were cancelled
  std::atomic<std::size_t> read_{0};               // results that the reader is done with
  std::atomic<std::size_t> result_bytes_{0};       // of one result, as seen last
  std::atomic<std::size_t> live_blocks_{0};
  std::atomic<bool> stopped_{false};
  std::atomic<bool> gave_back_{false};
  std::atomic<bool> reader_waits_{false};
  alignas(64) Guarded<BlockList> blocks_;
  alignas(64) SlotCount slots_;
  std::atomic<std::size_t> in_submit_{0};  // threads inside of the backend's submit()
  ReturnedSlots returned_;
  WorkerIndexes worker_indexes_;
  alignas(64) Event progress_;
  Guarded<std::exception_ptr> error_;
  std::optional<std::stop_callback<CancelFromToken>> on_stop_;
};

}  // namespace paracord::detail
