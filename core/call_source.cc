// Call: reading tasks from the input, and finding work.

#include <algorithm>

#include "paracord/core/asymmetric_fence.h"
#include "paracord/core/call.h"

namespace paracord::detail {

namespace {

constexpr std::size_t default_result_budget_bytes = std::size_t{64} << 20;
constexpr std::size_t claims_per_block = 16;
constexpr std::size_t read_all_block = 64;

std::size_t round_up(std::size_t value, std::size_t unit) {
  return (value + unit - 1) / unit * unit;
}

// An input that takes longer than this for one block may keep its reader.
constexpr auto quick_read = std::chrono::microseconds(50);

}  // namespace

Block* Call::next_work(Runner runner) {
  check_deadline();
  if (stopped()) return nullptr;
  // What was read ahead comes first.
  Block* block = options().pre_dispatch ? older_work(runner) : nullptr;
  if (block == nullptr) block = pull_block();
  if (block == nullptr) block = older_work(runner);
  // Others wanted to read while this thread did.
  if (runner == Runner::this_thread && source_wanted_.exchange(false, std::memory_order_acq_rel))
    share_out();
  if (!capabilities_.shared_memory || capabilities_.runs_in_caller) return block;
  if (block == nullptr && reclaim_hidden_tasks()) block = older_work(Runner::this_thread);
  if (block == nullptr || runner == Runner::another) return block;
  // Others may have found nothing just before, and it may be more than this thread can begin.
  if (block->has_spare()) {
    share_out();
  } else if (!exhausted_.load(std::memory_order_acquire) && take_slot()) {
    // There is more to be read: of several who left while somebody read, one is called back. A
    // second thread for this block runs it or reads on, and calls the next one; this thread does
    // not read, which may take long, while it has a task that nobody has begun.
    submit(block);
  }
  return block;
}

// There is work for others: for whoever a free slot goes to, and for the caller, who may have found
// nothing just before and waits.
void Call::share_out() {
  // A reader runs nothing but in a call that may use all threads; see may_help_beyond_slots().
  if (capabilities_.caller_helps && (!setup_.bounded_results || session_.n_jobs < 0)) {
    gave_back_.store(true, std::memory_order_relaxed);
    notify();
  }
  dispatch();
}

// Of blocks that were read before. Where memory is shared, a part of one that others work on is as
// good.
Block* Call::older_work(Runner runner) {
  return blocks_.with([&](BlockList& blocks) -> Block* {
    if (setup_.bounded_results && reads_all_first()) {
      // All was read: a task takes its place when it is handed out.
      const std::size_t unread = handed_out_ - read_.load(std::memory_order_acquire);
      Block* block = room_for_results(1, unread) == 0 ? nullptr : blocks.find_unsent();
      if (block != nullptr) ++handed_out_;
      return block;
    }
    Block* unsent = blocks.find_unsent();
    if (unsent != nullptr || !capabilities_.shared_memory) return unsent;
    return blocks.find_unclaimed(runner == Runner::another);
  });
}

// Nothing is left to claim, but somebody may have claimed more than the task that it runs.
bool Call::reclaim_hidden_tasks() {
  return blocks_.with([](BlockList& blocks) { return blocks.reclaim(); });
}

// A moment's wait costs less than to leave and be called back. False: the reader calls back.
bool Call::take_source() {
  if (source_.try_lock() || spin_until([this] { return source_.try_lock(); })) return true;
  // Before the last try, by an exchange that the reader's own is ordered with: one of the two sees
  // the other.
  source_wanted_.exchange(true, std::memory_order_acq_rel);
  return source_.try_lock();
}

Block* Call::pull_block() {
  bool for_others = false;
  while (!exhausted_.load(std::memory_order_acquire) && take_source()) {
    const bool reads = !exhausted_.load(std::memory_order_relaxed) && !stopped();
    const Wanted wanted = reads ? wanted_size() : Wanted{0, 0, false};
    Block* block = read_block(wanted);
    if (wanted.size != 0) {
      if (block == nullptr) notify();
      // Those who left have still to be called back.
      if (for_others) source_wanted_.store(true, std::memory_order_release);
      return block;
    }
    // As this thread saw it, nothing may be read yet. Another, whose task has ended since then, may
    // have left because the source was held: its look is made up for.
    for_others = source_wanted_.exchange(false, std::memory_order_acq_rel);
    if (!for_others) return nullptr;
  }
  return nullptr;
}

// Holds the source, and lets go of it. Null where nothing was to be read, the range has nothing
// more, or the call has ended.
Block* Call::read_block(Wanted wanted) {
  std::exception_ptr thrown;
  Block* block = wanted.size == 0 ? nullptr : fill_block(wanted, thrown);
  source_.unlock();
  if (thrown != nullptr) fail(thrown);
  if (!stopped()) return block;
  // A cancellation that came while the range was read has not seen this block.
  if (block != nullptr) cancel_unclaimed();
  return nullptr;
}

// Holds the source. Null where the range has nothing more.
Block* Call::fill_block(Wanted wanted, std::exception_ptr& thrown) {
  Block& block =
      blocks_.with([this](BlockList& blocks) -> Block& { return blocks.take_free(*this); });
  bool ended = false;
  const ReadingInput reading;
  // Whoever waits for results elsewhere, and leaves, asks for it: see depart().
  const bool is_timed = setup_.bounded_results && !capabilities_.shared_memory;
  const auto began = is_timed ? SteadyClock::now() : SteadyClock::time_point();
  try {
    void* place = setup_.collector != nullptr ? setup_.collector->place(next_index_) : nullptr;
    block.prepare(next_index_, wanted.size, layout_, place);
    block.automatic_size = wanted.automatic;
    block.sent = wanted.sent;
    if (setup_.bounded_results) {
      const bool by_range = capabilities_.shared_memory && setup_.order == Order::as_given &&
                            !layout_.results_grow && can_fence_all_threads();
      block.expose(wanted.size, by_range);
    }
    if (tasks_.concurrent()) {
      block.count = wanted.size;
    } else {
      ended = tasks_.pull(block, wanted.size);
    }
  } catch (...) {
    thrown = std::current_exception();
    ended = true;
  }
  if (is_timed)
    reads_slowly_.store(SteadyClock::now() - began > quick_read, std::memory_order_relaxed);
  next_index_ += block.count;
  const bool filled = block.count != 0;
  if (filled) {
    publish(block);
  } else {
    blocks_.with([&](BlockList& blocks) { blocks.put_back(block); });
  }
  // After the block counts as live: the two together say whether the call is over.
  if (ended || next_index_ == size_) exhausted_.store(true, std::memory_order_release);
  return filled ? &block : nullptr;
}

// Holds the source. The block may be run, finished and reused before this returns: also by a
// ticket from its earlier life. So it can be claimed and is found in the list from the same moment
// on.
void Call::publish(Block& block) {
  live_blocks_.fetch_add(1, std::memory_order_relaxed);
  pulled_.store(next_index_, std::memory_order_relaxed);
  if (probe_) probe_->batch_sent(block.first_index, block.count);
  const std::size_t grain = grain_of(block.count);
  blocks_.with([&](BlockList& blocks) {
    blocks.append(block);
    block.publish(grain);
  });
}

// The batch size that the user chose.
std::optional<std::size_t> Call::fixed_batch() const {
  const auto& batch = options().batch_size;
  if (!batch || batch->count == BatchSize::automatic.count) return std::nullopt;
  return static_cast<std::size_t>(batch->count);
}

// How many tasks are claimed at once: with a batch size of the user's, that; else a part of the
// block, small enough that sharing out the rest loses little.
std::size_t Call::grain_of(std::size_t size) const {
  if (!capabilities_.shared_memory) return size;
  // Nobody could take what a thread has claimed behind a long task.
  if (watched_ || !can_fence_all_threads()) return 1;
  return fixed_batch().value_or(std::max<std::size_t>(1, size / claims_per_block));
}

// The size of the next block, by whoever holds the source; 0 where none may be read now.
Call::Wanted Call::wanted_size() {
  const std::optional<std::size_t> fixed = fixed_batch();
  const bool shares_out = capabilities_.shared_memory && !capabilities_.runs_in_caller;
  const std::size_t automatic = fixed && !shares_out ? 1 : backend_->compute_batch_size();
  std::size_t size = automatic;
  // A fixed batch is what is claimed at once; where batches are shared out anyhow, several are read
  // together.
  if (fixed) size = shares_out ? round_up(automatic, *fixed) : *fixed;

  if (size_ != unknown_size) {
    const std::size_t left = size_ - next_index_;
    const auto workers = static_cast<std::size_t>(workers_);
    const std::size_t share = shares_out ? left / workers : left / (2 * workers);
    size = std::min(left,
                    fixed && !shares_out ? size : std::min(size, std::max<std::size_t>(share, 1)));
  }
  if (options().pre_dispatch && !reads_all_first()) {
    const auto ahead = static_cast<std::size_t>(options().pre_dispatch->tasks);
    const std::size_t waiting = next_index_ - ended_.load(std::memory_order_acquire);
    size =
        std::min(size, std::max<std::size_t>(ahead / static_cast<std::size_t>(depth_.usual()), 1));
    size = std::min(size, ahead - std::min(ahead, waiting));
  }
  if (setup_.bounded_results)
    size = room_for_results(size, next_index_ - read_.load(std::memory_order_acquire));
  // Worker processes, whose results are collected here, share out the rest of a batch. Elsewhere a
  // task would wait for those before it in its batch, on one of several machines.
  const bool shared_out = capabilities_.shared_memory || capabilities_.caller_collects;
  if (setup_.order == Order::as_done && !fixed && !shared_out)
    size = std::min<std::size_t>(size, 1);
  return {size, automatic, true};
}

// Back-pressure: a task takes a place when it is read from the input and gives it back when its
// result is read.
std::size_t Call::room_for_results(std::size_t size, std::size_t unread) const {
  const auto workers = static_cast<std::size_t>(workers_);
  std::size_t places = 0;
  if (options().max_pending_results) {
    places = *options().max_pending_results;
  } else {
    // Before the first result is there, nobody knows what a result holds.
    if (layout_.results_grow && result_bytes_.load(std::memory_order_relaxed) == 0) size = 1;
    places = std::max<std::size_t>(2 * workers * size, 1);
    const std::size_t bytes =
        std::max(result_bytes_.load(std::memory_order_relaxed), layout_.result_size);
    places = std::clamp<std::size_t>(default_result_budget_bytes / bytes, 1, places);
  }
  size = std::min(size, std::max<std::size_t>(places / (2 * workers), 1));
  return std::min(size, places - std::min(places, unread));
}

void Call::read_ahead() {
  if (reads_all_first()) return read_all();
  // Threads have one batch each in flight, which may be fewer tasks than were asked for.
  if (!options().pre_dispatch || !capabilities_.shared_memory || capabilities_.runs_in_caller)
    return;
  while (!stopped()) {
    source_.lock();
    Wanted wanted = exhausted_.load(std::memory_order_relaxed) ? Wanted{} : wanted_size();
    wanted.sent = false;
    (void)read_block(wanted);
    if (wanted.size == 0) return;
  }
}

void Call::read_all() {
  const std::size_t size =
      setup_.bounded_results
          ? 1
          : fixed_batch().value_or(capabilities_.shared_memory ? read_all_block : 1);
  while (!exhausted_.load(std::memory_order_acquire) && !stopped()) {
    source_.lock();
    const std::size_t left = size_ == unknown_size ? size : size_ - next_index_;
    (void)read_block({std::min(left, size), 1, false});
    check_deadline();
  }
}

// A finished block with its results in place is about to be reused: there is nothing to read in it.
// One with a task that failed is finished only after the call has stopped: then none is taken.
Block* Call::take_finished(Block* previous) {
  return blocks_.with([&](BlockList& blocks) -> Block* {
    if (previous != nullptr) blocks.put_back(*previous);
    Block* block = blocks.front();
    if (block == nullptr || !block->finished() || block->results_in_place()) return nullptr;
    if (stopped()) return nullptr;
    blocks.remove(*block);
    return block;
  });
}

void Call::cancel_unclaimed() {
  struct Cancelled {
    Block* block;
    Block::Claim claim;
  };
  std::vector<Cancelled> cancelled;
  blocks_.with([&](BlockList& blocks) {
    for (Block* block = blocks.front(); block != nullptr; block = block->next) {
      for (Block::Claim claim = block->claim_rest(); !claim.empty(); claim = block->claim_rest())
        cancelled.push_back({block, claim});
      block->attention.store(true, std::memory_order_relaxed);
    }
  });
  for (const auto& [block, claim] : cancelled) {
    skip(*block, claim.begin, claim.end);
    finish_tasks(*block, claim.size());
  }
}

}  // namespace paracord::detail
