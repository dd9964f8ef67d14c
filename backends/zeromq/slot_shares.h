#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

/// Which of the calls that have work at a node gets how many of its slots.
namespace paracord::cluster {

struct SlotShare {
  std::size_t id = 0;       ///< the caller's
  std::uint32_t level = 0;  ///< how deep the call is nested
  std::size_t order = 0;    ///< of the first that is ready
  int busy = 0;             ///< workers that run its tasks, and do not wait for others
  int waiting = 0;          ///< parts that were sent, and wait for a worker
  int ready = 0;            ///< batches that can be sent
  int allowed = 0;          ///< the answer: so many workers may be busy
  int fresh = 0;            ///< so many batches are to be sent now
};

/// What is with the workers runs on; slots that are free go to the deepest calls, and among those
/// to the one whose batches have been ready for longest. So no task stands behind one that waits
/// for it, nor behind others that have not begun.
void share_slots(std::vector<SlotShare>& shares, int slots);

}  // namespace paracord::cluster
