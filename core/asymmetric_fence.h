#pragma once

#include <atomic>

namespace paracord::detail {

/// A fence of which one side costs nothing. A thread that goes from task to task stores where it is
/// and reads whether somebody wants something, with only quick_side_fence() in between; another one
/// stores its wish, calls fence_all_threads(), and reads where the first one is. Then either the
/// first one sees the wish, or the other one sees the latest place.
///
/// Threads: any.
/// Why not two full fences: tasks may take a nanosecond, and wishes are rare.
inline void quick_side_fence() {
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

/// Whether the system has such a fence. The first call prepares it.
bool can_fence_all_threads();

/// The rare side. False: it could not be made, and nothing holds.
bool fence_all_threads();

}  // namespace paracord::detail
