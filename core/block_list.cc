#include "paracord/core/block_list.h"

#include "paracord/core/asymmetric_fence.h"

namespace paracord::detail {

Block& BlockList::take_free(Call& call) {
  if (free_.empty()) {
    all_.push_back(std::make_unique<Block>(call));
    free_.reserve(all_.size());
    return *all_.back();
  }
  Block& block = *free_.back();
  free_.pop_back();
  return block;
}

void BlockList::append(Block& block) {
  block.previous = last_;
  block.next = nullptr;
  (last_ != nullptr ? last_->next : first_) = &block;
  last_ = &block;
  if (unclaimed_from_ == nullptr) unclaimed_from_ = &block;
  if (unsent_from_ == nullptr && !block.sent) unsent_from_ = &block;
}

void BlockList::remove(Block& block) {
  (block.previous != nullptr ? block.previous->next : first_) = block.next;
  (block.next != nullptr ? block.next->previous : last_) = block.previous;
  if (unclaimed_from_ == &block) unclaimed_from_ = block.next;
  if (unsent_from_ == &block) {
    while (unsent_from_ != nullptr && (unsent_from_ == &block || unsent_from_->sent))
      unsent_from_ = unsent_from_->next;
  }
}

void BlockList::add_finished(Block& block) {
  block.next_finished = nullptr;
  (last_finished_ != nullptr ? last_finished_->next_finished : first_finished_) = &block;
  last_finished_ = &block;
}

Block* BlockList::take_finished() {
  Block* block = first_finished_;
  if (block == nullptr) return nullptr;
  first_finished_ = block->next_finished;
  if (first_finished_ == nullptr) last_finished_ = nullptr;
  return block;
}

Block* BlockList::find_unclaimed(bool spare) {
  while (unclaimed_from_ != nullptr && !unclaimed_from_->has_unclaimed())
    unclaimed_from_ = unclaimed_from_->next;
  Block* block = unclaimed_from_;
  while (spare && block != nullptr && !block->has_spare()) block = block->next;
  return block;
}

Block* BlockList::find_unsent() {
  Block* block = unsent_from_;
  if (block == nullptr) return nullptr;
  block->sent = true;
  while (unsent_from_ != nullptr && unsent_from_->sent) unsent_from_ = unsent_from_->next;
  return block;
}

void BlockList::add(RunningClaims& runner) {
  runner.listed = true;
  runner.next = runners_;
  if (runners_ != nullptr) runners_->previous = &runner;
  runners_ = &runner;
}

void BlockList::remove(RunningClaims& runner) {
  (runner.previous != nullptr ? runner.previous->next : runners_) = runner.next;
  if (runner.next != nullptr) runner.next->previous = runner.previous;
  runner.listed = false;
}

bool BlockList::give_back(Block& block, Block::Claim claim) {
  if (!block.give_back(claim.begin, claim.end) && !block.put_aside(claim)) return false;
  look_from_start();
  return true;
}

bool BlockList::reclaim() {
  bool any_new = false;
  for (RunningClaims* runner = runners_; runner != nullptr; runner = runner->next) {
    any_new |= !runner->was_asked;
    runner->block.ask_for_attention();
  }
  if (!any_new || !fence_all_threads()) return false;
  bool any = false;
  for (RunningClaims* runner = runners_; runner != nullptr; runner = runner->next) {
    if (std::exchange(runner->was_asked, true)) continue;
    const Block::Claim hidden = runner->hidden();
    if (hidden.empty() || !give_back(runner->block, hidden)) continue;
    runner->end.store(hidden.begin, std::memory_order_relaxed);
    any = true;
  }
  return any;
}

Block* BlockList::first_unread() const {
  Block* block = first_;
  while (block != nullptr && block->read_to_end) block = block->next;
  return block;
}

void BlockList::reuse_if_over(Block& block) {
  if (!block.read_to_end || !block.run_to_end || block.linked) return;
  remove(block);
  put_back(block);
}

void BlockList::read_to_end(Block& block) {
  block.read_to_end = true;
  reuse_if_over(block);
}

void BlockList::run_to_end(Block& block) {
  block.run_to_end = true;
  reuse_if_over(block);
}

void BlockList::link_for_reader(Block& block) {
  block.linked = true;
  add_finished(block);
}

Block* BlockList::unlink_for_reader() {
  while (Block* block = take_finished()) {
    block->linked = false;
    block->waits_for_reader.exchange(false);  // results before this are seen now
    if (!block->read_to_end) return block;
    reuse_if_over(*block);
  }
  return nullptr;
}

}  // namespace paracord::detail
