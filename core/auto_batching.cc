#include "paracord/core/auto_batching.h"

#include <algorithm>

namespace paracord {

namespace {
constexpr double weight_of_past = 0.8;
}

std::size_t AutoBatchingMixin::compute_batch_size() {
  return state_.with([](State& state) { return state.size; });
}

void AutoBatchingMixin::batch_completed(std::size_t size, std::chrono::nanoseconds ran) {
  state_.with([&](State& state) {
    if (size != state.size) return;  // a batch from before the last change says nothing about the new size
    const double sample = std::max(1.0, static_cast<double>(ran.count()));
    state.mean_ns = state.mean_ns == 0 ? sample : weight_of_past * state.mean_ns + (1 - weight_of_past) * sample;
    const std::size_t next = next_size(state);
    if (next != state.size) state = State{next, 0};
  });
}

std::size_t AutoBatchingMixin::next_size(const State& state) const {
  const double least = static_cast<double>(targets_.least.count());
  const bool too_short = state.mean_ns < least;
  const bool too_long = state.mean_ns > static_cast<double>(targets_.most.count());
  if (!too_short && !(too_long && state.size >= 2)) return state.size;
  const double ideal = static_cast<double>(state.size) * least / state.mean_ns;
  const auto whole = static_cast<std::size_t>(std::min(ideal, static_cast<double>(targets_.largest)));
  if (too_long) return std::max<std::size_t>(2 * whole, 1);
  return std::clamp<std::size_t>(std::min(2 * state.size, 2 * whole), 1, targets_.largest);
}

void AutoBatchingMixin::reset_batch_statistics() {
  state_.with([](State& state) { state = State{}; });
}

}  // namespace paracord
