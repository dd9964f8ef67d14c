#include "paracord/core/event.h"

#include <climits>

namespace paracord::detail {

// Either the waiter's look at its condition sees the change, or notify() sees the waiter: the two
// read-modify-writes of `waiters_` are sequentially consistent, so one comes first.
void Event::notify() {
  if (waiters_.fetch_add(0, std::memory_order_seq_cst) == 0) return;
  epoch_.fetch_add(1, std::memory_order_release);
  futex_wake(&epoch_, INT_MAX);
}

std::uint32_t Event::announce() {
  waiters_.fetch_add(1, std::memory_order_seq_cst);
  return epoch_.load(std::memory_order_acquire);
}

}  // namespace paracord::detail
