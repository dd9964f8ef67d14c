#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "paracord/backends/zeromq/batch_payload.h"
#include "paracord/backends/zeromq/offers.h"
#include "paracord/core/encoder.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/buffer.h"

namespace paracord::cluster {

/// The memory that a call's tasks look at, by the names of what it holds: the same memory is read
/// and named once in a call, a frozen array once in its life. What was named is offered to the
/// nodes until the call is over.
///
/// Of memory that tasks write to, a copy is offered, made when it is first named: each task gets
/// the memory as it was then, to read or to write, and what it changes comes back with its result.
///
/// Threads: any.
class CallObjects {
 public:
  /// `in_place`: nodes of this machine may give tasks the memory itself to write to.
  CallObjects(Offers& offers, bool in_place) : offers_(offers), in_place_(in_place) {}
  ~CallObjects() { clear(); }

  struct Named {
    ObjectId object;
    std::uint64_t offset = 0;  ///< where the memory begins in it
  };
  /// `owner` as for Encoder::memory.
  Named name(const void* data, std::size_t bytes, const std::shared_ptr<const void>* owner);
  /// Memory in `held`, which tasks write to. More than half of a buffer, and any part of a small
  /// one, is named as all of it: so views of the same array need few copies.
  Named name_written(const void* data, std::size_t bytes, const detail::HeldMemory& held);
  /// Of a single batch.
  Offers::Offer offer_payload(std::shared_ptr<const std::string> payload);
  bool has(const ObjectId& object);
  /// The bytes at an address of this process, as the first tasks that write there were given them;
  /// null where none does. Valid until clear().
  const std::byte* given(std::uint64_t address, std::uint64_t bytes);
  /// Returns when no node reads the memory any more.
  void clear();

 private:
  using Key = std::pair<const void*, std::size_t>;
  struct Known {
    ObjectId object;
    std::weak_ptr<const void> owner;  // of memory that may end before the call does
    bool owned = false;
  };
  struct Copied {
    ObjectId object;
    std::size_t number = 0;  // copies that were made before
    std::shared_ptr<const detail::Buffer> bytes;
    std::shared_ptr<const void> memory;  // kept: so that nothing else comes to lie there
  };
  struct State {
    std::map<Key, Known> known;
    std::map<Key, Copied> copies;
    std::set<const detail::Buffer*> written;  // kept by the copies
    std::map<ObjectId, Offers::Offer> offered;
  };
  void offer(State& state, const std::shared_ptr<const ObjectTable>& table, const std::byte* data,
             std::shared_ptr<const void> owner, const FilePlace& place = {});
  Named name_copy(State& state, const void* data, std::size_t bytes,
                  const detail::HeldMemory& held);
  Copied copy(State& state, const Key& key, const detail::HeldMemory& held);
  std::vector<Offers::Offer> copy_what_is_read(State& state, const detail::Buffer& buffer);
  Offers& offers_;
  const bool in_place_;
  detail::Guarded<State> state_;
};

/// Memory of the client that tasks may write to.
struct WritableRange {
  std::uint64_t begin = 0, bytes = 0;
};

/// Encodes the tasks of one batch, and notes what they refer to.
///
/// Threads: one.
class BatchEncoder final : public detail::MemorySender {
 public:
  BatchEncoder(CallObjects& objects, std::size_t max_nbytes)
      : objects_(objects), max_nbytes_(max_nbytes), out_(this) {}

  /// The message to which the next task is written, and begins at a place of its own in it.
  Encoder& begin_task();
  /// The task is written; or it could not be.
  void end_task(bool written);

  std::size_t bytes() const { return out_.size(); }
  BatchContents& contents() { return contents_; }
  const std::vector<ObjectId>& needs() const { return needs_; }
  std::span<const std::byte> tasks() const { return {out_.data(), out_.size()}; }
  /// All that they may write to, the gaps of their views included.
  const std::vector<WritableRange>& writable() const { return writable_; }

  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
            const std::shared_ptr<const void>* owner) override;
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override;

 private:
  std::uint32_t number_of(const ObjectId& object);
  CallObjects& objects_;
  const std::size_t max_nbytes_;
  Encoder out_;
  BatchContents contents_;
  std::vector<ObjectId> needs_;
  std::vector<WritableRange> writable_;
  std::size_t begin_ = 0;  // of the task that is being written
  std::size_t references_before_ = 0, writable_before_ = 0;
};

}  // namespace paracord::cluster
