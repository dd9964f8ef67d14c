#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

/// A ring of records in memory that two processes map: one writes, the other reads.
///
/// Neither side trusts what the other has written there: positions and sizes are checked before
/// they are used, and a ring in which they contradict each other is broken for good.
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
      read_position();
      if (broken_ || next_ + skipped + wanted - known_read_ > capacity_) return nullptr;
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
  /// Bytes that can be reserved, at least: some may be lost at the ring's end.
  std::size_t free_bytes() {
    read_position();
    return broken_ ? 0 : capacity_ - static_cast<std::size_t>(next_ - known_read_);
  }
  /// The reader claims to have read what was never written.
  bool is_broken() const { return broken_; }

 private:
  void read_position() {
    known_read_ = state_->read.load(std::memory_order_acquire);
    broken_ = broken_ || next_ - known_read_ > capacity_;
  }
  void write_head(std::size_t at, RecordHead head) { std::memcpy(data_ + at, &head, sizeof head); }

  RingState* state_ = nullptr;
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 1;
  std::uint64_t next_ = 0;
  std::uint64_t known_read_ = 0;
  bool broken_ = false;
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
    while (!broken_) {
      if (next_ == known_written_) {
        known_written_ = state_->written.load(std::memory_order_acquire);
        if (next_ == known_written_) return false;
        broken_ = known_written_ - next_ > capacity_ || known_written_ % unit != 0;
        if (broken_) return false;
      }
      const std::size_t at = next_ % capacity_;
      RecordHead head;
      std::memcpy(&head, data_ + at, sizeof head);
      const std::size_t whole = RingWriter<unit>::room_for(head.bytes);
      broken_ = whole > known_written_ - next_ || whole > capacity_ - at;
      if (broken_) return false;
      const std::byte* body = data_ + at + unit;
      next_ += whole;
      if (head.kind == 0) continue;
      record = {head.kind, head.bytes, body, next_};
      return true;
    }
    return false;
  }
  /// The writer has written what cannot be: nothing more is read.
  bool is_broken() const { return broken_; }
  void free_until(std::uint64_t end) { state_->read.store(end, std::memory_order_release); }

 private:
  RingState* state_ = nullptr;
  const std::byte* data_ = nullptr;
  std::size_t capacity_ = 1;
  std::uint64_t next_ = 0;
  std::uint64_t known_written_ = 0;
  bool broken_ = false;
};

}  // namespace paracord::detail
