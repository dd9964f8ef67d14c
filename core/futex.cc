#include "paracord/core/futex.h"

#include <linux/futex.h>
#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <climits>

namespace paracord::detail {

SteadyClock::duration steady_duration(std::chrono::duration<double> length) {
  constexpr std::chrono::hours century{100 * 365 * 24};
  if (length >= std::chrono::duration<double>(century)) return century;
  return std::chrono::duration_cast<SteadyClock::duration>(length);
}

void futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected, Deadline deadline) {
  timespec until{};
  if (deadline) {
    const auto since = deadline->time_since_epoch();
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(since);
    until.tv_sec = seconds.count();
    until.tv_nsec = std::chrono::duration_cast<std::chrono::nanoseconds>(since - seconds).count();
  }
  // The bitset form takes an absolute time on CLOCK_MONOTONIC, which is what steady_clock reads.
  syscall(SYS_futex, &word, FUTEX_WAIT_BITSET_PRIVATE, expected, deadline ? &until : nullptr,
          nullptr, FUTEX_BITSET_MATCH_ANY);
}

void futex_wake(const std::atomic<std::uint32_t>* word, int count) {
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
}

void yield_cpu() {
  sched_yield();
}

SteadyClock::duration spin_limit() {
  static const SteadyClock::duration limit = [] {
    cpu_set_t allowed;
    const bool known = sched_getaffinity(0, sizeof allowed, &allowed) == 0;
    const bool alone = known && CPU_COUNT(&allowed) == 1;
    return alone ? SteadyClock::duration{0} : std::chrono::microseconds(30);
  }();
  return limit;
}

}  // namespace paracord::detail
