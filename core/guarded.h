#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

/// A value that can be reached only under its lock.
///
/// Threads: any. The lock spins for a moment, then sleeps; it is not recursive.
/// Why not std::mutex beside the value: nothing would tie the two together, and it sleeps at once,
/// which costs fifty microseconds where the critical section takes fifty nanoseconds.
namespace paracord::detail {

class SpinMutex {
 public:
  void lock() {
    std::uint32_t expected = free_;
    if (!state_.compare_exchange_strong(expected, held_, std::memory_order_acquire)) lock_slowly();
  }
  bool try_lock() {
    std::uint32_t expected = free_;
    return state_.compare_exchange_strong(expected, held_, std::memory_order_acquire);
  }
  /// Does not touch the mutex after the moment at which another thread can take it.
  void unlock() {
    if (state_.exchange(free_, std::memory_order_release) == contended_) wake_one();
  }

 private:
  static constexpr std::uint32_t free_ = 0, held_ = 1, contended_ = 2;
  void lock_slowly();
  void wake_one();
  std::atomic<std::uint32_t> state_{free_};
};

template <class T>
class Guarded {
 public:
  template <class... Args>
  explicit Guarded(Args&&... args) : value_{std::forward<Args>(args)...} {}

  /// Calls `use(value)` under the lock and returns what it returns.
  template <class Use>
  decltype(auto) with(Use&& use) {
    const Hold hold(mutex_);
    return std::forward<Use>(use)(value_);
  }

 private:
  struct Hold {
    explicit Hold(SpinMutex& mutex) : mutex(mutex) { mutex.lock(); }
    Hold(const Hold&) = delete;
    ~Hold() { mutex.unlock(); }
    SpinMutex& mutex;
  };
  SpinMutex mutex_;
  T value_;
};

}  // namespace paracord::detail
