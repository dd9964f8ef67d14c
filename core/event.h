#pragma once

#include <atomic>
#include <cstdint>

#include "paracord/core/futex.h"

namespace paracord::detail {

/// "Something has changed": lets threads wait until a condition that others make true holds.
///
/// Threads: any. notify() comes after the change; it costs a fence while nobody waits.
class Event {
 public:
  void notify();

  /// Returns when `ready()` holds or the deadline has passed; says which (`ready()`'s last answer:
  /// it is asked again once it has held, so asking must not change it).
  /// Spins for spin_limit() first, then sleeps.
  template <class Ready>
  bool wait(Ready ready, Deadline deadline = std::nullopt) {
    if (spin_until([&] { return ready() || (deadline && SteadyClock::now() >= *deadline); })) {
      return ready();
    }
    while (true) {
      const std::uint32_t seen = announce();
      const bool now_ready = ready();
      const bool late = deadline && SteadyClock::now() >= *deadline;
      if (!now_ready && !late) futex_wait(epoch_, seen, deadline);
      retire();
      if (now_ready || late) return now_ready;
    }
  }

 private:
  std::uint32_t announce();
  void retire() { waiters_.fetch_sub(1, std::memory_order_relaxed); }

  std::atomic<std::uint32_t> epoch_{0};
  std::atomic<std::uint32_t> waiters_{0};
};

}  // namespace paracord::detail
