#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "paracord/backends/zeromq/call_objects.h"
#include "paracord/backends/zeromq/call_setup.h"
#include "paracord/backends/zeromq/clusters.h"
#include "paracord/backends/zeromq/task_records.h"
#include "paracord/core/auto_batching.h"
#include "paracord/core/event.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/memmap/merged_writes.h"

namespace paracord::cluster {

/// The client half of the cluster backend, for one call after another: sends its batches to the
/// cluster, and again what comes back from it without a result.
///
/// Threads: as ParallelBackendBase says; what became of batches is told by the client's thread.
class ZeromqBackend final : public AutoBatchingMixin, public CallEvents {
 public:
  ZeromqBackend();
  ~ZeromqBackend();

  Capabilities capabilities() const override {
    return {.caller_collects = true,
            .inner_max_num_threads = true,
            .abort_ends_all = true,
            .batches_per_worker = 32,
            .short_batches_per_worker = 256};
  }
  int default_n_jobs() const override { return -1; }
  int effective_n_jobs(int n_jobs) const override;
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override;
  /// Inside a task of the cluster, its slot is lent to others meanwhile. The one way in which a
  /// caller waits, whatever it waits for: all results, the next one, or the end.
  bool wait(const std::function<bool()>& ready,
            std::optional<std::chrono::steady_clock::time_point> deadline) override;
  void interrupt() override { changed_.notify(); }
  void finish_call() override;
  void terminate() override;

  void call_ready(bool run_inline) override;
  void arrived(client::Arrived results) override;
  void over(const client::Over& over) override;
  bool printed(const Observer::WorkerOutput& output) override;
  void object_changed(const ObjectId& object) override;
  void refused(const std::string& why) override;

 private:
  /// A batch of the caller's, until all its tasks are over.
  struct Whole {
    OnDone on_done;
    RemoteTasks& tasks;
    std::uint32_t left;
    Status trouble;
  };
  /// Tasks of it that were submitted together.
  struct Part {
    Whole* whole;
    CallId call;
    std::vector<std::uint32_t> tasks;  // their places in the whole
    std::uint32_t attempt = 1;
    std::uint32_t losses = 0;
    std::vector<WritableRange> writable;   // see BatchEncoder
    std::optional<Offers::Offer> payload;  // offered for this part alone
    std::set<std::uint32_t> done;          // places in the part
    std::vector<std::uint32_t> again;      // of the whole: they have failed, and shall run again
    std::uint32_t finished = 0;
  };
  struct State {
    std::map<BatchId, Part> parts;
    Status trouble;  // no node can run the call
  };

  Status connect(const CallSettings& settings);
  Status open(const CallSettings& settings);
  void close();
  CallSetup setup_of(const CallSettings& settings);
  void send(Whole& whole, std::vector<std::uint32_t> tasks, std::uint32_t attempt,
            std::uint32_t losses);
  void send_encoded(Part part, BatchEncoder& encoder);
  CallId current_call();
  void add_modules(BatchEncoder& encoder);
  void deliver(BatchId batch, std::shared_ptr<RecordReader> reader, std::size_t record,
               std::vector<std::shared_ptr<detail::Buffer>> objects, PeerId node);
  void fetch_objects(BatchId batch, std::shared_ptr<RecordReader> reader, std::size_t record,
                     PeerId node);
  Decoder behind_writes(std::span<const std::byte> body, const TaskRecord& record,
                        const std::vector<WritableRange>& ranges, std::size_t task,
                        detail::MemoryReceiver& receiver);
  void take_result(Part& part, std::uint32_t place, const TaskRecord& record,
                   std::span<const std::byte> body,
                   const std::vector<std::shared_ptr<detail::Buffer>>& objects, PeerId node);
  void cancel(Part part);
  void settle(Part part, const client::Over& over);
  void fail_tasks(Whole& whole, const std::vector<std::uint32_t>& tasks, std::uint32_t attempt,
                  std::exception_ptr error);
  void tasks_over(Whole& whole, std::uint32_t count);

  ZeromqOptions options_;
  std::shared_ptr<ClusterUse> cluster_;
  std::optional<CallObjects> objects_;
  detail::MergedWrites merged_;        // of the call
  OpenCall about_;                     // the call, to be opened anew after abort()
  std::atomic<CallId> call_{0};        // 0: none is open
  std::atomic<bool> open_{false};      // between configure() and finish_call()
  std::atomic<bool> labelled_{false};  // the call that is open now
  const OnWorkerOutput* on_output_ = nullptr;
  detail::SpinMutex opening_;
  bool idempotent_ = false, ships_ = false, nested_ = false;
  std::size_t max_nbytes_ = 0;
  detail::Guarded<State> state_;
  std::atomic<bool> ready_{false}, run_inline_{false};
  detail::Event changed_;
};

}  // namespace paracord::cluster
