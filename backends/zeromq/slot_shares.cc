#include "paracord/backends/zeromq/slot_shares.h"

#include <algorithm>
#include <tuple>

namespace paracord::cluster {

void share_slots(std::vector<SlotShare>& shares, int slots) {
  std::stable_sort(shares.begin(), shares.end(), [](const SlotShare& a, const SlotShare& b) {
    return std::tuple(b.level, a.order) < std::tuple(a.level, b.order);
  });
  for (const SlotShare& share : shares) slots -= share.busy;
  for (SlotShare& share : shares) {
    const int waiting = std::clamp(slots, 0, share.waiting);
    share.fresh = std::clamp(slots - waiting, 0, share.ready);
    share.allowed = share.busy + waiting + share.fresh;
    slots -= waiting + share.fresh;
  }
}

}  // namespace paracord::cluster
