#pragma once

#include <memory>
#include <vector>

#include "paracord/core/block.h"
#include "paracord/core/running_claims.h"

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
  bool has_unsent() const { return unsent_from_ != nullptr; }
  /// Tasks were given back: look at all blocks again.
  void look_from_start() { unclaimed_from_ = first_; }

  /// A thread runs several tasks at a time.
  void add(RunningClaims& runner);
  void remove(RunningClaims& runner);
  /// Tasks of this block go back to be claimed by anybody. False: they do not, for want of memory.
  bool give_back(Block& block, Block::Claim claim);
  /// Takes from all runners what they have not begun. Returns whether there was something.
  bool reclaim();

  /// For calls whose results are read one by one. The oldest that was not read to its end.
  Block* first_unread() const;
  /// The reader has had all of it.
  void read_to_end(Block& block);
  /// Nobody runs it any more.
  void run_to_end(Block& block);
  /// A result of it has come, for a reader that takes them as they do.
  void link_for_reader(Block& block);
  Block* unlink_for_reader();

 private:
  void reuse_if_over(Block& block);
  std::vector<std::unique_ptr<Block>> all_;
  std::vector<Block*> free_;
  Block* first_finished_ = nullptr;
  Block* last_finished_ = nullptr;
  Block* first_ = nullptr;
  Block* last_ = nullptr;
  Block* unclaimed_from_ = nullptr;  // all before it are claimed
  Block* unsent_from_ = nullptr;     // all before it are sent
  RunningClaims* runners_ = nullptr;
};

}  // namespace paracord::detail
