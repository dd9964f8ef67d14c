#pragma once

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <climits>
#include <cstdint>
#include <optional>

/// Futexes in memory that several processes map. Those of core/futex.h know one process only.
namespace paracord::detail {

inline void shared_futex_wait(const std::atomic<std::uint32_t>& word, std::uint32_t expected,
                              std::optional<std::chrono::nanoseconds> most = std::nullopt) {
  timespec limit{};
  if (most) {
    limit.tv_sec = static_cast<time_t>(most->count() / 1'000'000'000);
    limit.tv_nsec = static_cast<long>(most->count() % 1'000'000'000);
  }
  syscall(SYS_futex, &word, FUTEX_WAIT, expected, most ? &limit : nullptr, nullptr, 0);
}

inline void shared_futex_wake(const std::atomic<std::uint32_t>& word) {
  syscall(SYS_futex, &word, FUTEX_WAKE, INT_MAX, nullptr, nullptr, 0);
}

}  // namespace paracord::detail
