#include "paracord/core/block_list.h"

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
  if (unsent_from_ == &block) unsent_from_ = nullptr;  // cancelled: nothing is sent any more
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

}  // namespace paracord::detail
