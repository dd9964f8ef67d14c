#pragma once

#include <atomic>

namespace paracord::cluster::data {

/// Ends another thread's wait for a file descriptor.
///
/// Threads: wake() from any.
/// Owns:    the descriptor.
class Waker {
 public:
  Waker();
  Waker(const Waker&) = delete;
  ~Waker();

  int fd() const { return fd_; }
  void wake();
  /// Before what was brought is looked at: what comes later wakes again.
  void clear();

 private:
  const int fd_;
  std::atomic<bool> woken_{false};
};

}  // namespace paracord::cluster::data
