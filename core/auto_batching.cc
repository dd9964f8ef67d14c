#include "paracord/core/auto_batching.h"

#include <algorithm>

namespace paracord {

namespace {
constexpr double weight_of_past = 0.8;
}

std::size_t AutoBatchingMixin::compute_batch_size() {
  return size_.load(std::memory_order_relaxed);
}

void AutoBatchingMixin::batch_completed(std::size_t size, std::chrono::nanoseconds ran) {
  mean_ns_.with([&](double& mean) {
    if (size != size_.load(std::memory_order_relaxed))
      return;  // from before the last change: says nothing now
    const double sample = std::max(1.0, static_cast<double>(ran.count()));
    mean = mean == 0 ? sample : weight_of_past * mean + (1 - weight_of_past) * sample;
    const std::size_t next = next_size(size, mean);
    if (next == size) return;
    size_.store(next, std::memory_order_relaxed);
    mean = 0;
  });
}

std::size_t AutoBatchingMixin::next_size(std::size_t size, double mean_ns) const {
  const double least = static_cast<double>(targets_.least.count());
  const bool too_short = mean_ns < least;
  const bool too_long = mean_ns > static_cast<double>(targets_.most.count());
  if (!too_short && !(too_long && size >= 2)) return size;
  const double ideal = static_cast<double>(size) * least / mean_ns;
  const auto whole =
      static_cast<std::size_t>(std::min(ideal, static_cast<double>(targets_.largest)));
  if (too_long) return std::max<std::size_t>(2 * whole, 1);
  return std::clamp<std::size_t>(std::min(2 * size, 2 * whole), 1, targets_.largest);
}

void AutoBatchingMixin::reset_batch_statistics() {
  mean_ns_.with([this](double& mean) {
    size_.store(1, std::memory_order_relaxed);
    mean = 0;
  });
}

}  // namespace paracord
