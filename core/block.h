#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <memory>
#include <new>
#include <unordered_map>
#include <utility>
#include <vector>

#include "paracord/core/batch.h"
#include "paracord/core/guarded.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/core/task_range.h"

namespace paracord::detail {

class Call;

/// The missing results of a block: tasks that failed, or that were cancelled (no error of their
/// own).
class BlockGaps final : public Gaps {
 public:
  void add(std::size_t index, std::exception_ptr error) {
    if (missing_.size() <= index) missing_.resize(index + 1);
    missing_[index] = true;
    if (error != nullptr) errors_[index] = std::move(error);
  }
  void clear() {
    missing_.clear();
    errors_.clear();
  }
  bool missing(std::size_t index) const override {
    return index < missing_.size() && missing_[index];
  }
  std::exception_ptr error(std::size_t index) const override {
    const auto found = errors_.find(index);
    return found == errors_.end() ? nullptr : found->second;
  }

 private:
  std::vector<bool> missing_;
  std::unordered_map<std::size_t, std::exception_ptr> errors_;
};

/// Consecutive tasks of a call, read together, and their results. Whoever runs them claims a few at
/// a time, so several threads can work on one block: a long one never keeps others idle.
///
/// Owns:    room for tasks and results, reused from one filling to the next. A block lives as long
/// as its call. Threads: claim(), give_back(), finish() from any; the rest by whoever fills or
/// collects it.
class Block final : public BatchWork, public RemoteTasks, public Slots {
 public:
  explicit Block(Call& call) : call_(call) {}
  Block(const Block&) = delete;
  ~Block();

  std::size_t size() const override { return count; }
  void run() noexcept override;

  RemoteTasks* elsewhere() noexcept override;
  std::size_t number(std::size_t index) const override { return first_index + index; }
  bool timed() const override;
  bool stopped() const override;
  std::array<std::uint64_t, 2> assignment() const override;
  std::string function(std::size_t index) const override;
  bool encode(std::size_t index, Encoder& out) noexcept override;
  void succeeded(std::size_t index, Decoder& result, const RemoteRun& run) noexcept override;
  Verdict threw(std::size_t index, Decoder& error, const RemoteRun& run) noexcept override;
  Verdict failed(std::size_t index, std::exception_ptr error,
                 const RemoteRun& run) noexcept override;
  void measured(std::size_t count, std::chrono::nanoseconds ran) noexcept override;

  /// Makes room for `capacity` tasks from `first` on; results stand at `place`, or in the block for
  /// null.
  void prepare(std::size_t first, std::size_t capacity, const Layout& layout, void* place);
  /// The tasks are there: they can be claimed, `grain` at a time.
  void publish(std::size_t grain);

  struct Claim {
    std::size_t begin = 0, end = 0;
    bool empty() const { return begin == end; }
    std::size_t size() const { return end - begin; }
  };
  static constexpr std::size_t most_tasks = 0xffffffff;  // in one block
  /// The next tasks for this thread: a grain of them, but no more than `most`; one where that is 0.
  Claim claim(std::size_t most);
  Claim claim_rest();
  /// Returns the end of a claim, from `from` on. Fails where somebody has claimed behind it.
  bool give_back(std::size_t from, std::size_t end);
  /// The same where somebody has: it is claimed anew, task by task. False: there is no memory.
  bool put_aside(Claim claim) noexcept;
  /// From now on tasks are claimed one by one, and whoever runs some looks up.
  void ask_for_attention() {
    grain_.store(1, std::memory_order_relaxed);
    attention.store(true, std::memory_order_relaxed);
  }
  bool has_unclaimed() const;
  /// Whether a second thread would find something to claim, next to the one that was sent first.
  bool has_spare() const;
  bool is_coarse() const { return grain_.load(std::memory_order_relaxed) > 1; }

  /// `tasks` of the block's are over, one way or another. Returns whether they were the last.
  bool finish(std::size_t tasks) {
    return unfinished_.fetch_sub(tasks, std::memory_order_acq_rel) == tasks;
  }
  bool finished() const { return unfinished_.load(std::memory_order_acquire) == 0; }

  void add_gap(std::size_t index, std::exception_ptr error);
  /// Null where every result is there. For finished blocks.
  const BlockGaps* gaps();

  /// Of a block whose results are read one by one, as they are made: before publish(). `by_range`:
  /// TaskRange::run() says so of each.
  void expose(std::size_t capacity, bool by_range);
  using Result = ResultState;
  Result result_state(std::size_t index) const {
    return results_made_[index].load(std::memory_order_acquire);
  }
  void set_result_state(std::size_t index, Result state) {
    results_made_[index].store(state, std::memory_order_release);
  }
  bool is_exposed() const { return exposed_; }

  bool results_in_place() const { return in_place_; }

  /// For a batch that was handed elsewhere(): whether all of its tasks are the backend's to end.
  bool is_elsewhere() const { return !remote_over_.empty(); }
  /// Ends the tasks that the backend has said nothing of, with this status (ok: a defect of the
  /// backend's), and counts the batch as done.
  void finish_elsewhere(const Status& status);

  Block* previous = nullptr;  // links of the call's list of live blocks, under its lock
  Block* next = nullptr;
  Block* next_finished = nullptr;  // link of the blocks that wait for a reader, likewise
  // Of exposed blocks. Reused when it was read to the end, nobody runs it, and no link leads to it.
  bool linked = false, read_to_end = false, run_to_end = false;  // under the lock
  std::size_t taken = 0;  // the reader's: how many, and in order the first ones
  bool sent = true;       // a batch for it was submitted, or will be at once; under the lock
  std::size_t automatic_size = 1;  // what the backend wanted when this block was filled

 private:
  Claim claim_aside(std::size_t most);
  Call& call_;
  std::atomic<std::uint64_t> claims_{0};  // next unclaimed << 32 | count
  std::atomic<std::size_t> unfinished_{0};
  std::atomic<std::size_t> grain_{1};
  std::atomic<bool> has_gaps_{false};
  Guarded<BlockGaps> gaps_;
  Layout layout_{};
  std::size_t task_room_ = 0, result_room_ = 0;
  void* own_results_ = nullptr;
  bool in_place_ = false;
  std::vector<bool> remote_over_;  // by task, while the batch is elsewhere
  std::atomic<std::size_t> aside_count_{0};
  Guarded<std::vector<Claim>> aside_;
  bool exposed_ = false;
  std::size_t exposed_room_ = 0;
  std::unique_ptr<std::atomic<Result>[]> results_made_;
};

}  // namespace paracord::detail
