#include "paracord/core/asymmetric_fence.h"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace paracord::detail {

namespace {

bool command(int what) {
  return syscall(SYS_membarrier, what, 0) == 0;
}

}  // namespace

bool can_fence_all_threads() {
  static const bool can = command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  return can;
}

bool fence_all_threads() {
  if (!can_fence_all_threads()) return false;
  if (command(MEMBARRIER_CMD_PRIVATE_EXPEDITED)) return true;
  // A process that was forked off need not have what its parent has prepared.
  return command(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) &&
         command(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
}

}  // namespace paracord::detail
