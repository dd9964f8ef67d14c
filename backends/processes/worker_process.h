#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "paracord/backends/processes/output_relay.h"
#include "paracord/backends/processes/remote_batch.h"
#include "paracord/backends/processes/spawn.h"
#include "paracord/backends/worker/channel.h"
#include "paracord/backends/worker/notices.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/entry.h"
#include "paracord/core/errors.h"
#include "paracord/core/initializer.h"

namespace paracord::detail {

/// One worker process, as its parent sees it.
///
/// Threads: begin_call(), send(), take_back(), ask_back() by the call that has it (any thread);
///   collect() by one collector at a time; the rest by the pool's service thread.
/// Owns:    the parts that it was sent, until they are over, taken back or lost.
class WorkerProcess {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr int most_parts = 12;

  /// What the call that has it wants.
  struct Call {
    BatchOwner* owner = nullptr;
    CallMemory* memory = nullptr;
    ArenaStore* arenas = nullptr;
    std::size_t max_nbytes = 0;
    int worker = 0;  // its index in the call
    int nesting_level = 0;
    bool drafts = false;   // tasks may run again: what they write must wait for their result
    bool at_once = false;  // somebody reads the results one by one
    // Of relayed tasks: what a module number of their caller stands for here.
    const std::function<ModuleName(std::uint32_t)>* modules = nullptr;
    std::optional<Clock::duration> task_timeout;
    const OnWorkerOutput* on_output = nullptr;  // null: nobody takes what it prints
  };

  /// Starts the process. Throws BackendUnavailable.
  WorkerProcess(const WorkerSpec& spec, int bell_fd, std::atomic<int>& parts);
  WorkerProcess(const WorkerProcess&) = delete;
  ~WorkerProcess();

  void begin_call(const Call& call);
  /// Returns whether it has still to pass over parts that were taken back.
  bool end_call();
  const Call& call() const { return call_; }

  struct Sent {
    std::optional<BatchPart> rest;  ///< where it was too much for one message, or the worker ended
    std::optional<BatchPart> behind;  ///< the same, behind a task that could not be encoded
    bool any = false;
  };
  /// Encodes and sends tasks of `part`, which was expected, and is not any more. Those that cannot
  /// be encoded are over at once. Throws BackendUnavailable where this worker cannot run such
  /// tasks.
  Sent send(BatchPart part);
  /// Sends the initializer `id`, which `encode` writes, unless it has run here.
  void send_initializer(std::uint64_t id, const Initializer& initializer);
  /// The oldest part that the worker has not begun, of those with so many tasks.
  std::optional<BatchPart> take_back(std::uint32_t min_tasks = 1);
  /// What it has not begun of the part that it runs, also while it is inside of a long task.
  std::optional<BatchPart> ask_back();
  /// Asks tasks of batches that are to stop to end.
  void request_stop();
  /// Whether parts of such batches are here, which are neither over nor taken back.
  bool holds_stopped();
  /// The name in its cluster of the batch that the part is of which was sent first, of those that
  /// are not over. Zeros: there is none.
  std::array<std::uint64_t, 2> assignment();
  bool has_place() const { return slots_used_.load(std::memory_order_acquire) < most_parts; }
  /// Sent and not over, and those that are about to be sent.
  int parts_in_flight() const { return in_flight_.load(std::memory_order_seq_cst); }
  /// Whoever chooses this worker for a part says so before others can choose, and then calls
  /// send().
  void expect_part() { in_flight_.fetch_add(1, std::memory_order_seq_cst); }

  /// Handles the results that are there. Returns whether there were any.
  bool collect();

  // --- by the service thread ---

  void kill(std::string reason);  // by any thread that knows it to be leased
  bool has_ended();
  /// After the last collect(): what it held. Nothing can be sent any more.
  std::vector<BatchPart> take_losses();
  /// What ended it.
  std::exception_ptr loss_error();
  /// Fails the task of the part that ran; its owner sends the others again.
  void lose(BatchPart part);
  int pid() const { return pid_; }
  int pid_descriptor() const { return pid_fd_.get(); }
  /// All that say when something happens.
  std::vector<int> descriptors() const;
  /// Tells it to end.
  void hang_up();
  OutputRelay& output() { return output_; }
  NoticeReader& notices() { return notices_; }
  /// When the running task is over its time, where there is a limit.
  std::optional<Clock::time_point> task_deadline() const;

  const WorkerSpec& spec() const { return spec_; }
  /// Not fit for another call: its initializer failed, or may have.
  bool spoiled() const { return spoiled_.load() || unproven_.load(); }
  bool ever_ran() const { return proven_.load(); }
  std::uint64_t tasks_sent() const { return tasks_sent_; }
  /// Bytes of memory that are its own; 0 where that cannot be known.
  std::size_t resident_bytes() const;
  std::size_t first_resident_bytes = 0;
  Clock::time_point idle_since{};
  std::atomic<bool> is_lost{false};

 private:
  struct Ends;
  class Expected;
  WorkerProcess(const WorkerSpec& spec, int bell_fd, std::atomic<int>& parts, Ends ends);
  bool post(BatchPart& part, Expected& expected);
  bool encode_task(RemoteTasks& tasks, std::size_t index, std::vector<std::uint64_t>& references);
  void write_record(ToWorker kind, const Encoder& body);
  std::byte* reserve(ToWorker kind, std::size_t bytes);
  void publish();
  void send_releases();
  void introduce_modules(const std::vector<std::uint64_t>& references);
  std::optional<std::size_t> take_slot(BatchPart& part);
  void handle(const RingReader<result_unit>::Record& record);
  void fail(const std::string& what);
  BatchPart& part_of(const ResultHead& head);
  static bool is_at_work(const std::atomic<BatchState>& state);
  void large_task_over(FromWorker kind, Decoder& in);
  void task_over(BatchPart& part, const ResultHead& head, FromWorker kind, const std::byte* message,
                 std::size_t bytes);
  void task_failed(BatchPart& part, const ResultHead& head, std::exception_ptr error);
  struct Slots;
  void check_end(const Slots& slots, const BatchEnd& end) const;
  void part_ends(const BatchEnd& end);
  RemoteRun run_of(const ResultHead& head, int attempt) const;

  const WorkerSpec spec_;
  Descriptor socket_, pid_fd_;
  OutputRelay output_;
  int pid_ = 0;
  struct Unmap {
    void operator()(Channel* channel) const;
  };
  std::unique_ptr<Channel, Unmap> channel_;
  Call call_;

  // Sending: by one thread at a time, which may run codecs of the user's meanwhile.
  SpinMutex sending_;
  NoticeWriter announcer_;
  SharingSender sender_;
  SharedRoom room_{largest_inline_message};
  Encoder message_;
  RingWriter<task_unit> out_;
  std::map<std::uint32_t, ModuleName> introduced_;  // by number, as the worker knows them
  std::set<std::uint32_t> checked_;                 // in this call
  std::set<std::uint64_t> initialised_;
  std::uint64_t tasks_sent_ = 0;

  struct Slots {
    std::array<std::optional<BatchPart>, batch_slots> parts;
    std::vector<std::size_t> order;  // as they were sent
    bool in_call = false;            // what is taken counts in the pool
  };
  void use_slots(Slots& slots, int change);
  Guarded<Slots> slots_;
  std::atomic<int> in_flight_{0};
  std::atomic<int>& places_taken_;  // in the pool
  std::atomic<int> slots_used_{0};  // also by parts that were taken back

  // Collecting.
  RingReader<result_unit> in_;
  // Lent memory that is free again, not told yet: file, offset. Shared with results, which may
  // outlive the worker.
  std::shared_ptr<Guarded<Encoder>> releases_;
  SharingReceiver receiver_;
  NoticeReader notices_;

  std::atomic<bool> failed_{false};  // it has sent nonsense: nothing of it is read any more
  std::atomic<bool> spoiled_{false};
  std::atomic<bool> proven_{false};    // it has run a task
  std::atomic<bool> unproven_{false};  // it was sent an initializer, and has ended no part since
  Guarded<std::string> kill_reason_;
  std::optional<int> wait_status_;  // none where the program has reaped it
  bool ended_ = false;
  std::uint64_t out_of_memory_kills_ = 0;
};

/// How often the system has killed a process of this cgroup for memory.
std::uint64_t out_of_memory_kills();

}  // namespace paracord::detail
