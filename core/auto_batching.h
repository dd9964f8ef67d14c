#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>

#include "paracord/core/backend.h"
#include "paracord/core/guarded.h"

namespace paracord {

/// Chooses batch sizes so that a batch runs for about as long as the backend wants: joblib's rule
/// (1 at first, at most doubling, a running mean with weights 0.8 and 0.2), fed with the time that
/// the batch ran, without queueing and transfer, and with target times of the backend's own.
///
/// Threads: any.
class AutoBatchingMixin : public ParallelBackendBase {
 public:
  struct Targets {
    std::chrono::nanoseconds least;  ///< a batch that runs shorter makes the size grow
    std::chrono::nanoseconds most;   ///< one that runs longer makes it shrink
    std::size_t largest;             ///< tasks
  };

  explicit AutoBatchingMixin(Targets targets) : targets_(targets) {}

  std::size_t compute_batch_size() override;
  void batch_completed(std::size_t size, std::chrono::nanoseconds ran) override;

  /// Back to 1, as after construction.
  void reset_batch_statistics();

 private:
  std::size_t next_size(std::size_t size, double mean_ns) const;

  const Targets targets_;
  std::atomic<std::size_t> size_{1};
  detail::Guarded<double> mean_ns_{
      0.0};  // of batches of the current size; 0: none was measured yet
};

}  // namespace paracord
