#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>

/// Waiting and waking through the kernel, and the short spin that comes first.
///
/// Why not std::atomic::wait: it has no deadline, and the length of its spin cannot be chosen.
namespace paracord::detail {

using SteadyClock = std::chrono::steady_clock;
using Deadline = std::optional<SteadyClock::time_point>;

/// A length of time as the clock counts. What is longer than a century counts as one: sums with the
/// clock's now() do not overflow.
SteadyClock::duration steady_duration(std::chrono::duration<double> length);

/// Sleeps while `word` holds `expected`, at most until `deadline`. May also return for no reason.
void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline);

/// Wakes up to `count` sleepers. Uses the address alone, so the word may be gone by now.
void futex_wake(const std::atomic<std::uint32_t>* word, int count);

/// How long a waiter may spin before it sleeps: 30 µs, or 0 where there is a single CPU to run on.
SteadyClock::duration spin_limit();

inline void spin_pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Spins until `ready()`, at most for `limit`. Returns whether it was ready.
template <class Ready>
bool spin_until(Ready ready, SteadyClock::duration limit = spin_limit()) {
  constexpr int pauses_between_looks_at_the_clock = 64;
  if (ready()) return true;
  SteadyClock::time_point end{};
  while (limit.count() != 0) {
    for (int i = 0; i < pauses_between_looks_at_the_clock; ++i) {
      spin_pause();
      if (ready()) return true;
    }
    const auto now = SteadyClock::now();
    if (end == SteadyClock::time_point{}) end = now + limit;
    if (now >= end) break;
  }
  return false;
}

}  // namespace paracord::detail
