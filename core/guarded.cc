#include "paracord/core/guarded.h"

#include "paracord/core/futex.h"

namespace paracord::detail {

void SpinMutex::lock_slowly() {
  if (spin_until(
          [this] { return state_.load(std::memory_order_relaxed) == free_ && try_lock(); })) {
    return;
  }
  // From here on the lock is taken as `contended`: whoever holds it must wake somebody.
  while (state_.exchange(contended_, std::memory_order_acquire) != free_) {
    futex_wait(state_, contended_, std::nullopt);
  }
}

void SpinMutex::wake_one() {
  futex_wake(&state_, 1);
}

}  // namespace paracord::detail
