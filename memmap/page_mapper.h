#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <thread>

#include "paracord/core/event.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/arena.h"

namespace paracord::detail {

/// Puts memory that was just written into this process's page tables, in idle time: that takes as
/// long as a copy does, and who fills that memory next is spared it.
///
/// Threads: any. Starts one when there is something to do, at the lowest priority.
class PageMapper {
 public:
  PageMapper() = default;
  PageMapper(const PageMapper&) = delete;
  ~PageMapper();

  /// The pages of [offset, offset + bytes) exist, until the arena drops some.
  void add(std::shared_ptr<Arena> arena, std::size_t offset, std::size_t bytes);

 private:
  struct Job {
    std::shared_ptr<Arena> arena;
    std::size_t next, end;  // chunks that lie inside as a whole
    std::uint64_t drops;
  };
  void run();

  bool has_jobs();
  std::optional<Job> next_job();

  struct State {
    std::deque<Job> jobs;
    std::thread thread;
  };
  Guarded<State> state_;
  std::atomic<bool> ends_{false};
  Event changed_;
};

}  // namespace paracord::detail
