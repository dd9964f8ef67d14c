#pragma once

#include <deque>
#include <memory>
#include <string>

#include "paracord/core/auto_batching.h"
#include "paracord/core/guarded.h"

namespace paracord::testkit {

/// A backend that does nothing by itself: the test says when which batch runs, so dispatch can be
/// watched step by step, without threads and without time.
///
/// Threads: one, apart from submit() and abort().
class ManualBackend final : public ParallelBackendBase {
 public:
  struct Queue {
    struct Waiting {
      Batch batch;
      OnDone on_done;
    };
    std::deque<Waiting> waiting;
    std::deque<std::size_t> sizes;  ///< of all batches ever submitted
  };
  /// Shared with the test, which outlives the backend object that Parallel owns.
  using Shared = std::shared_ptr<detail::Guarded<Queue>>;

  ManualBackend(Shared queue, int workers, std::size_t batch_size = 1,
                Capabilities capabilities = {})
      : queue_(std::move(queue)),
        workers_(workers),
        batch_size_(batch_size),
        capabilities_(capabilities) {}

  static Shared make_queue() { return std::make_shared<detail::Guarded<Queue>>(); }
  /// Runs and completes the batch that has waited longest; false where none waits.
  static bool run_next(const Shared& queue);
  static std::size_t waiting(const Shared& queue);

  Capabilities capabilities() const override { return capabilities_; }
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override;
  std::size_t compute_batch_size() override { return batch_size_; }

 private:
  Shared queue_;
  int workers_;
  std::size_t batch_size_;
  Capabilities capabilities_;
};

}  // namespace paracord::testkit
