#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// A ring of records in memory that two processes map: one writes, the other reads.
namespace paracord::detail {

struct RingState {
  alignas(64) std::atomic<std::uint64_t> written{0};  // bytes, ever
  alignas(64) std::atomic<std::uint64_t> read{0};
};

/// What stands before each record's body, in a place of RingLayout::unit bytes.
struct RecordHead {
  std::uint32_t bytes;  // of the body
  std::uint32_t kind;   // 0: nothing, go on at the ring's beginning
};

/// `unit`: heads and bodies begin at multiples of it.
template <std::size_t unit>
class RingWriter {
 public:
  RingWriter() = default;
  RingWriter(RingState* state, std::byte* data, std::size_t capacity)
      : state_(state), data_(data), capacity_(capacity), next_(state->written.load()) {}

  static constexpr std::size_t room_for(std::size_t bytes) {
    return unit + (bytes + unit - 1) / unit * unit;
  }

  /// Room for a body of `bytes`; null where the reader has to make some first.
  std::byte* reserve(std::size_t bytes, std::uint32_t kind) {
    const std::size_t wanted = room_for(bytes);
    const std::size_t at = next_ % capacity_;
    const std::size_t skipped = at + wanted > capacity_ ? capacity_ - at : 0;
    if (next_ + skipped + wanted - known_read_ > capacity_) {
      known_read_ = state_->read.load(std::memory_order_acquire);
      if (next_ + skipped + wanted - known_read_ > capacity_) return nullptr;
    }
    if (skipped != 0) {
      write_head(at, {static_cast<std::uint32_t>(skipped - unit), 0});
      next_ += skipped;
    }
    write_head(next_ % capacity_, {static_cast<std::uint32_t>(bytes), kind});
    std::byte* body = data_ + next_ % capacity_ + unit;
    next_ += wanted;
    return body;
  }
  /// The reader sees what was reserved until now.
  void publish() { state_->written.store(next_, std::memory_order_release); }
  /// The same, before anything that this thread reads from now on: for one who looks afterwards
  /// whether the reader sleeps. The reader looks at empty() after it said that it will.
  void publish_first() { state_->written.store(next_, std::memory_order_seq_cst); }

 private:
  void write_head(std::size_t at, RecordHead head) { std::memcpy(data_ + at, &head, sizeof head); }

  RingState* state_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 1;
  std::uint64_t next_ = 0;
  std::uint64_t known_read_ = 0;
};

template <std::size_t unit>
class RingReader {
 public:
  struct Record {
    std::uint32_t kind;
    std::uint32_t bytes;
    const std::byte* body;
    std::uint64_t end;  // for free_until()
  };

  RingReader() = default;
  RingReader(RingState* state, const std::byte* data, std::size_t capacity)
      : state_(state), data_(data), capacity_(capacity), next_(state->read.load()) {}

  bool empty() const { return state_->written.load(std::memory_order_seq_cst) == next_; }

  /// The next record, if there is one. It stays where it is until free_until() has passed it.
  bool next(Record& record) {
    while (true) {
      if (next_ == known_written_) {
        known_written_ = state_->written.load(std::memory_order_acquire);
        if (next_ == known_written_) return false;
      }
      RecordHead head;
      std::memcpy(&head, data_ + next_ % capacity_, sizeof head);
      const std::byte* body = data_ + next_ % capacity_ + unit;
      next_ += unit + (head.bytes + unit - 1) / unit * unit;
      if (head.kind == 0) continue;
      record = {head.kind, head.bytes, body, next_};
      return true;
    }
  }
  void free_until(std::uint64_t end) { state_->read.store(end, std::memory_order_release); }

 private:
  RingState* state_ = nullptr;
  const std::byte* data_ = nullptr;
  std::size_t capacity_ = 1;
  std::uint64_t next_ = 0;
  std::uint64_t known_written_ = 0;
};

}  // namespace paracord::detail
