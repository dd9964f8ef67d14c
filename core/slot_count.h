#pragma once

#include <atomic>
#include <cstdint>

#include "paracord/core/futex.h"

namespace paracord::detail {

/// How many batches of a call are in flight. The call may be destroyed as soon as the last slot is
/// free: give_back() uses only the address after that.
///
/// Whoever looks for work holds a slot meanwhile. So one who has new work but finds all slots taken
/// may meet holders that have looked just before and are about to leave: his failed take() makes
/// the next give_back() fail, and its caller looks once more. No work is left lying that way.
///
/// Threads: take() and give_back() from any, wait_until_free() by the call's owner.
class SlotCount {
 public:
  bool take(std::uint32_t limit) {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while (true) {
      const bool room = (state & count_bits) < limit;
      if (state_.compare_exchange_weak(state, room ? state + 1 : state | asked,
                                       std::memory_order_acq_rel)) {
        return room;
      }
    }
  }

  bool has_room(std::uint32_t limit) const {
    return (state_.load(std::memory_order_relaxed) & count_bits) < limit;
  }

  /// Gives the slot back if more than `limit` (not 0) are taken: those that stay find the work.
  bool leave_beyond(std::uint32_t limit) {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while ((state & count_bits) > limit) {
      if (state_.compare_exchange_weak(state, state - 1, std::memory_order_acq_rel)) return true;
    }
    return false;
  }

  /// False: the slot is still held, since somebody has asked for one meanwhile. Look for work
  /// again.
  [[nodiscard]] bool give_back() {
    std::uint32_t state = state_.load(std::memory_order_relaxed);
    while (true) {
      const bool look_again = (state & asked) != 0;
      if (!state_.compare_exchange_weak(state, look_again ? state & ~asked : state - 1,
                                        std::memory_order_acq_rel)) {
        continue;
      }
      if (state == (owner_sleeps | 1)) futex_wake(&state_, 1);
      return !look_again;
    }
  }

  /// Gives the slot back whoever asks.
  void leave() {
    while (!give_back()) {
    }
  }

  bool all_free() const { return (state_.load(std::memory_order_acquire) & count_bits) == 0; }

  void wait_until_free() {
    if (spin_until([this] { return all_free(); })) return;
    std::uint32_t state = state_.fetch_or(owner_sleeps, std::memory_order_acq_rel) | owner_sleeps;
    for (; (state & count_bits) != 0; state = state_.load(std::memory_order_acquire)) {
      futex_wait(state_, state, std::nullopt);
    }
    state_.store(0, std::memory_order_relaxed);
  }

 private:
  static constexpr std::uint32_t owner_sleeps = std::uint32_t{1} << 31;
  static constexpr std::uint32_t asked = std::uint32_t{1} << 30;
  static constexpr std::uint32_t count_bits = asked - 1;
  std::atomic<std::uint32_t> state_{0};
};

}  // namespace paracord::detail
