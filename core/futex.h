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

/// Gives the CPU to whoever else stands in line for it.
void yield_cpu();

/// As spin_until(), where the one that is waited for may stand in line for this very CPU: lets
/// others run between its looks. Where nobody does, its looks are some 100 ns further apart.
template <class Ready>
bool yield_until(Ready ready, SteadyClock::duration limit = spin_limit()) {
  constexpr int looks_between_yields = 16;
  if (ready()) return true;
  if (limit.count() == 0) return false;
  const auto end = SteadyClock::now() + limit;
  do {
    for (int i = 0; i < looks_between_yields; ++i) {
      spin_pause();
      if (ready()) return true;
    }
    yield_cpu();
    if (ready()) return true;
  } while (SteadyClock::now() < end);
  return false;
}

}  // namespace paracord::detail
