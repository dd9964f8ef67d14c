#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>

#include "paracord/core/backend.h"

namespace paracord::detail {

/// How many batches of a call may be in flight: as many for each worker as its backend wants. While
/// batches run for microseconds more of them are needed to cover the same way there and back.
///
/// Threads: prepare() first; the rest from any.
class Depth {
 public:
  void prepare(int workers, const Capabilities& capabilities) {
    const auto all = [&](int each, std::int64_t most) {
      return static_cast<std::uint32_t>(std::min(std::int64_t{workers} * std::max(1, each), most));
    };
    usual_ = all(capabilities.batches_per_worker, most_slots);
    deep_ = std::max(usual_, all(capabilities.short_batches_per_worker, most_deep));
  }

  std::uint32_t limit() const { return is_deep_.load(std::memory_order_relaxed) ? deep_ : usual_; }
  std::uint32_t usual() const { return usual_; }
  std::uint32_t most() const { return deep_; }

  /// How long a batch ran. Of two threads that say so at once one may not be heard.
  void batch_ran(double nanoseconds) {
    if (deep_ == usual_) return;
    const double before = mean_.load(std::memory_order_relaxed);
    const double mean = before == 0 ? nanoseconds : 0.8 * before + 0.2 * nanoseconds;
    mean_.store(mean, std::memory_order_relaxed);
    is_deep_.store(mean < short_batch, std::memory_order_relaxed);
  }

 private:
  static constexpr std::int64_t most_slots = std::int64_t{1} << 20;
  // Each is kept in memory by the caller: beyond the usual number there are not very many.
  static constexpr std::int64_t most_deep = std::int64_t{1} << 14;
  static constexpr double short_batch = 20'000;  // nanoseconds

  std::uint32_t usual_ = 1, deep_ = 1;
  std::atomic<double> mean_{0};
  std::atomic<bool> is_deep_{false};
};

}  // namespace paracord::detail
