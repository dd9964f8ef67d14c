// Call: results that are read one by one, each as soon as its task has ended.

#include "paracord/core/call.h"

namespace paracord::detail {

// By whoever has run the task, before it begins the next one: that may take long.
void Call::publish_result(Block& block, std::size_t index) {
  if (!block.is_exposed()) return;
  if (layout_.results_grow)
    result_bytes_.store(tasks_.result_bytes(block, index), std::memory_order_relaxed);
  block.set_result_state(index, Block::Result::made);
  tell_reader(block);
}

// Either the reader sees the result when it looks, or this sees that the reader waits: both
// exchange one flag, so one of them comes first. TaskRange::run() only reads the flag: for it, the
// reader makes a fence in all threads between the exchange and its look.
void Call::tell_reader(Block& block) {
  if (block.waits_for_reader.exchange(true)) return;
  if (setup_.order == Order::as_given) return notify();
  // The reader says that it waits before it takes this lock.
  blocks_.with([&](BlockList& blocks) { blocks.link_for_reader(block); });
  if (reader_waits_.load(std::memory_order_relaxed)) notify();
}

// Results of short tasks that follow each other are not worth a wake-up each: the reader sleeps for
// a moment at most, and nobody wakes it for a result. It looks now and then only, at first: each
// look takes memory away from whoever writes results.
bool Call::nap(const std::function<bool()>& ready) {
  constexpr auto longest_nap = std::chrono::microseconds(200);
  constexpr int first_looks = 512, looks_left_out = 16;
  if (capabilities_.caller_collects) return false;
  int looks = 0;
  const auto look = [&] {
    ++looks;
    return (looks > first_looks || looks % looks_left_out == 0) && ready();
  };
  return progress_.wait(look, SteadyClock::now() + longest_nap);
}

Block* Call::next_readable() {
  return blocks_.with([&](BlockList& blocks) {
    return setup_.order == Order::as_done ? blocks.unlink_for_reader() : blocks.first_unread();
  });
}

void Call::read_to_end(Block& block) {
  blocks_.with([&](BlockList& blocks) { blocks.read_to_end(block); });
}

// After close(): results that nobody took.
void Call::discard_results() {
  Block* block = blocks_.with([](BlockList& blocks) { return blocks.front(); });
  for (; block != nullptr; block = block->next) {
    if (block->results_in_place()) continue;
    const BlockGaps* gaps = block->gaps();
    const std::size_t first = setup_.order == Order::as_given ? block->taken : 0;
    for (std::size_t i = first; i != block->count; ++i) {
      const bool there = block->is_exposed() ? block->result_state(i) == Block::Result::made
                                             : gaps == nullptr || !gaps->missing(i);
      if (there) tasks_.destroy_result(*block, i);
    }
  }
}

}  // namespace paracord::detail
