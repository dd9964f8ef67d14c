#pragma once

#include <memory>
#include <vector>

#include "paracord/core/block.h"

namespace paracord::detail {

/// The blocks of one call: live ones in the order of their tasks, and empty ones for reuse.
///
/// Threads: under the call's lock.
class BlockList {
 public:
  /// An empty block, to be filled.
  Block& take_free(Call& call);
  void put_back(Block& block) { free_.push_back(&block); }

  void append(Block& block);
  void remove(Block& block);
  Block* front() const { return first_; }

  /// For calls whose results are taken in order of completion.
  void add_finished(Block& block);
  Block* take_finished();

  /// A block with tasks that nobody has claimed, the oldest; null where there is none. With
  /// `spare`, one that keeps a second thread busy.
  Block* find_unclaimed(bool spare);
  /// The oldest block for which no batch was sent; it counts as sent from now on.
  Block* find_unsent();
  /// Tasks were given back: look at all blocks again.
  void look_from_start() { unclaimed_from_ = first_; }

 private:
  std::vector<std::unique_ptr<Block>> all_;
  std::vector<Block*> free_;
  Block* first_finished_ = nullptr;
  Block* last_finished_ = nullptr;
  Block* first_ = nullptr;
  Block* last_ = nullptr;
  Block* unclaimed_from_ = nullptr;  // all before it are claimed
  Block* unsent_from_ = nullptr;     // all before it are sent
};

}  // namespace paracord::detail
