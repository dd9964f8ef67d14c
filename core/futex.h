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

/// Spins until `ready()`, at most for spin_limit(). Returns whether it was ready.
template <class Ready>
bool spin_until(Ready ready) {
  constexpr int pauses_between_looks_at_the_clock = 64;
  const auto limit = spin_limit();
  if (ready()) return true;
  if (limit.count() == 0) return false;
  const auto end = SteadyClock::now() + limit;
  do {
    for (int i = 0; i < pauses_between_looks_at_the_clock; ++i) {
      if (ready()) return true;
      spin_pause();
    }
  } while (SteadyClock::now() < end);
  return ready();
}

}  // namespace paracord::detail
