#pragma once

#include <atomic>
#include <cstdint>

#include "paracord/core/futex.h"

namespace paracord::detail {

/// How many batches of a call are in flight. The call may be destroyed as soon as the last slot is
/// free: give_back() uses only the address after that.
///
/// Threads: take() and give_back() from any, wait_until_free() by the call's owner.
class SlotCount {
 public:
  bool take(std::uint32_t limit) {
    std::uint32_t taken = taken_.load(std::memory_order_relaxed);
    while (taken < limit) {
      if (taken_.compare_exchange_weak(taken, taken + 1, std::memory_order_relaxed)) return true;
    }
    return false;
  }
  void give_back() {
    if (taken_.fetch_sub(1, std::memory_order_acq_rel) == (owner_sleeps | 1))
      futex_wake(&taken_, 1);
  }
  bool all_free() const { return taken_.load(std::memory_order_acquire) == 0; }

  void wait_until_free() {
    if (spin_until([this] { return all_free(); })) return;
    std::uint32_t taken = taken_.fetch_or(owner_sleeps, std::memory_order_acq_rel) | owner_sleeps;
    for (; taken != owner_sleeps; taken = taken_.load(std::memory_order_acquire)) {
      futex_wait(taken_, taken, std::nullopt);
    }
    taken_.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t owner_sleeps = std::uint32_t{1} << 31;
  std::atomic<std::uint32_t> taken_{0};
};

}  // namespace paracord::detail
