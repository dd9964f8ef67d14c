#pragma once

#include <atomic>
#include <cstdint>

namespace paracord::detail {

/// Slots of a call whose batches have ended elsewhere: for its caller to use, while it is there.
///
/// Threads: add() and has_any() from any; the rest by the caller.
class ReturnedSlots {
 public:
  /// False: the caller is away. Of slots that are added after arrive() none is lost.
  bool add() {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & caller_is_here) != 0) {
      if (state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }
  bool has_any() const { return count(state_.load(std::memory_order_relaxed)) != 0; }

  void arrive() { state_.fetch_or(caller_is_here, std::memory_order_acq_rel); }
  /// Those that are there, which are the caller's from now on.
  std::uint32_t take() {
    return has_any() ? count(state_.fetch_and(caller_is_here, std::memory_order_acq_rel)) : 0;
  }
  /// The same; and the caller is away.
  std::uint32_t depart() { return count(state_.exchange(0, std::memory_order_acq_rel)); }

 private:
  static constexpr std::uint32_t caller_is_here = std::uint32_t{1} << 31;
  static std::uint32_t count(std::uint32_t state) { return state & ~caller_is_here; }
  std::atomic<std::uint32_t> state_{0};
};

}  // namespace paracord::detail
