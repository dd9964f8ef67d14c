#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "paracord/backends/zeromq/batch_payload.h"
#include "paracord/backends/zeromq/offers.h"
#include "paracord/core/encoder.h"
#include "paracord/core/guarded.h"

namespace paracord::cluster {

/// The memory that a call's tasks look at, by the names of what it holds: the same memory is read
/// and named once in a call, a frozen array once in its life. What was named is offered to the
/// nodes until the call is over.
///
/// Threads: any.
class CallObjects {
 public:
  explicit CallObjects(Offers& offers) : offers_(offers) {}
  ~CallObjects() { clear(); }

  struct Named {
    ObjectId object;
    std::uint64_t offset = 0;  ///< where the memory begins in it
  };
  /// `owner` as for Encoder::memory. `may_change`: tasks write to it, so it is named each time.
  Named name(const void* data, std::size_t bytes, const std::shared_ptr<const void>* owner,
             bool may_change);
  /// Of a single batch.
  Offers::Offer offer_payload(std::shared_ptr<const std::string> payload);
  bool has(const ObjectId& object);
  /// Returns when no node reads the memory any more.
  void clear();

 private:
  using Key = std::pair<const void*, std::size_t>;
  struct Known {
    ObjectId object;
    std::weak_ptr<const void> owner;  // of memory that may end before the call does
    bool owned = false;
  };
  struct State {
    std::map<Key, Known> known;
    std::map<ObjectId, Offers::Offer> offered;
  };
  void offer(State& state, const std::shared_ptr<const ObjectTable>& table, const std::byte* data,
             std::shared_ptr<const void> owner, const FilePlace& place = {});
  Offers& offers_;
  detail::Guarded<State> state_;
};

/// Memory that tasks of a call write to: no two may share any of it.
///
/// Threads: any.
class WrittenRanges {
 public:
  struct Range {
    std::uint64_t begin = 0, bytes = 0;
  };
  /// False: some of it belongs to another task.
  bool add(const Range& range);
  void remove(const Range& range);

 private:
  detail::Guarded<std::map<std::uint64_t, std::uint64_t>> ranges_;  // begin → end
};

/// Encodes the tasks of one batch, and notes what they refer to.
///
/// Threads: one.
class BatchEncoder final : public detail::MemorySender {
 public:
  BatchEncoder(CallObjects& objects, WrittenRanges& written, std::size_t max_nbytes)
      : objects_(objects), written_(written), max_nbytes_(max_nbytes), out_(this) {}
  ~BatchEncoder() override;

  /// The message to which the next task is written, and begins at a place of its own in it.
  Encoder& begin_task();
  /// The task is written; or it could not be.
  void end_task(bool written);

  std::size_t bytes() const { return out_.size(); }
  BatchContents& contents() { return contents_; }
  const std::vector<ObjectId>& needs() const { return needs_; }
  std::span<const std::byte> tasks() const { return {out_.data(), out_.size()}; }
  /// What the tasks write to, each alone; no longer this object's to give back.
  std::vector<WrittenRanges::Range> take_ranges() { return std::exchange(ranges_, {}); }
  /// All that they may write to, what they share with others' gaps included.
  const std::vector<WrittenRanges::Range>& writable() const { return writable_; }

  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
            const std::shared_ptr<const void>* owner) override;
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override;

 private:
  std::uint32_t number_of(const ObjectId& object);
  CallObjects& objects_;
  WrittenRanges& written_;
  const std::size_t max_nbytes_;
  Encoder out_;
  BatchContents contents_;
  std::vector<ObjectId> needs_;
  std::vector<WrittenRanges::Range> ranges_, writable_;
  std::size_t begin_ = 0;  // of the task that is being written
  std::size_t references_before_ = 0, ranges_before_ = 0;
};

}  // namespace paracord::cluster
