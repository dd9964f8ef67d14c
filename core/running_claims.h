#pragma once

#include <atomic>
#include <cstddef>

#include "paracord/core/block.h"

namespace paracord::detail {

/// Where a thread is in the tasks that it has claimed of a block, for others that have nothing to
/// do: they take what it has not begun, also while it is inside of a long task.
///
/// Threads: begin() and `index` by the thread that runs; the rest under the lock of the list that
///   holds it. An index is stored before each task, and the block's attention read behind it; who
///   takes sets that attention and calls fence_all_threads() first (see asymmetric_fence.h).
struct RunningClaims {
  explicit RunningClaims(Block& block) : block(block) {}
  RunningClaims(const RunningClaims&) = delete;

  void begin(Block::Claim claim) {
    end.store(0, std::memory_order_relaxed);
    std::atomic_ref<std::size_t>(index).store(claim.begin, std::memory_order_release);
    end.store(claim.end, std::memory_order_release);
  }
  void advance() {
    std::atomic_ref<std::size_t>(index).store(index + 1, std::memory_order_relaxed);
  }

  /// What it has not begun, without the task that it is at. Empty while it goes from one claim to
  /// the next: then it sees the attention before it runs anything.
  Block::Claim hidden() {
    const std::size_t before = end.load(std::memory_order_acquire);
    const std::size_t at = std::atomic_ref<std::size_t>(index).load(std::memory_order_acquire);
    if (before != end.load(std::memory_order_relaxed) || at + 1 >= before) return {};
    return {at + 1, before};
  }

  Block& block;
  std::size_t index = 0;  // of the task that runs, or is the next; see TaskRange::run()
  std::atomic<std::size_t> end{0};
  bool listed = false;     // others may take
  bool was_asked = false;  // they have: it claims one task at a time from now on
  RunningClaims* previous = nullptr;
  RunningClaims* next = nullptr;
};

}  // namespace paracord::detail
