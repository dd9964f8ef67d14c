#include "paracord/core/fork.h"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>

namespace paracord::detail {

namespace {

constexpr std::size_t most_descriptors = 4096;

std::atomic<std::uint64_t> forks{0};
std::array<std::atomic<int>, most_descriptors> lifelines;  // fd + 1; 0: none

// Between fork() and what comes then a child may call only what a signal's handler may.
void begin_anew() {
  forks.fetch_add(1);
  for (std::atomic<int>& place : lifelines) {
    if (const int fd = place.exchange(0); fd != 0) close(fd - 1);
  }
}

void watch_forks() {
  static const int registered = pthread_atfork(nullptr, nullptr, &begin_anew);
  (void)registered;
}

}  // namespace

std::uint64_t fork_count() {
  watch_forks();
  return forks.load(std::memory_order_acquire);
}

void close_in_forked_children(int fd) {
  watch_forks();
  for (std::atomic<int>& place : lifelines) {
    int none = 0;
    if (place.compare_exchange_strong(none, fd + 1)) return;
  }
}

void keep_in_forked_children(int fd) {
  for (std::atomic<int>& place : lifelines) {
    int wanted = fd + 1;
    if (place.compare_exchange_strong(wanted, 0)) return;
  }
}

}  // namespace paracord::detail
