#include "throttled.h"

#include <sys/resource.h>

void ThrottledBackend::work() {
  setpriority(PRIO_PROCESS, 0, 10);  // of this thread alone, on Linux
  for (std::unique_lock lock(mutex_); true; lock.lock()) {
    changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
    if (stop_) return;
    auto [batch, on_done] = std::move(queue_.front());
    queue_.pop_front();
    lock.unlock();
    batch.run();
    on_done();
  }
}
