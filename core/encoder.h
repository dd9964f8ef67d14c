#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/core/copy_bytes.h"
#include "paracord/core/message_memory.h"

/// Values as bytes, on their way to another process or machine.
namespace paracord {

namespace detail {

[[noreturn]] void refuse_message(const char* what);
[[noreturn]] void refuse_to_encode(const std::string& what);

inline constexpr int deepest = 10'000;
/// Whether this thread's stack comes to its end.
bool stack_is_short();
[[noreturn]] void refuse_depth();
/// A value holds others so deep that it may be a circle, or that the stack does not take it.
inline bool is_too_deep(int depth) {
  constexpr int always_fits = 64, looks_between = 16;
  return depth > deepest || (depth > always_fits && depth % looks_between == 0 && stack_is_short());
}

}  // namespace detail

/// Collects the bytes of a message. The codecs of all types write through it.
///
/// Threads: one.
/// Errors: SerializationError for what cannot travel.
class Encoder {
 public:
  explicit Encoder(detail::MemorySender* sender = nullptr, detail::MessageRoom* room = nullptr)
      : sender_(sender), room_(room) {}
  Encoder(const Encoder&) = delete;
  ~Encoder();

  void write(const void* data, std::size_t bytes) {
    if (bytes == 0) return;
    detail::copy_bytes(extend(bytes), data, bytes);
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { std::memcpy(extend(sizeof(T)), &value, sizeof(T)); }

  /// Memory that a view looks at: as bytes in the message, or by reference where it is large or
  /// shared already. Read by Decoder::memory().
  void memory(const void* data, std::size_t bytes, MemoryAccess access,
              const std::shared_ptr<const void>* owner = nullptr);
  /// The contents of a container, to be copied at the other end. Read by Decoder::contents().
  void contents(const void* data, std::size_t bytes);

  /// While one lives, containers count as borrowed memory: it stays as it is until the call is over
  /// (std::cref).
  class Borrowing {
   public:
    explicit Borrowing(Encoder& encoder)
        : encoder_(encoder), before_(std::exchange(encoder.borrowing_, true)) {}
    Borrowing(const Borrowing&) = delete;
    ~Borrowing() { encoder_.borrowing_ = before_; }

   private:
    Encoder& encoder_;
    const bool before_;
  };

  /// While one lives, the encoder is inside of an object that another one holds. So deep only: what
  /// points at itself, round a circle, has no end.
  class Deeper {
   public:
    explicit Deeper(Encoder& encoder) : encoder_(encoder) {
      if (detail::is_too_deep(encoder.depth_ + 1)) detail::refuse_depth();
      ++encoder.depth_;
    }
    Deeper(const Deeper&) = delete;
    ~Deeper() { --encoder_.depth_; }

   private:
    Encoder& encoder_;
  };

  const std::byte* data() const { return begin_; }
  std::size_t size() const { return static_cast<std::size_t>(next_ - begin_); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void overwrite(std::size_t at, const T& value) { std::memcpy(begin_ + at, &value, sizeof(T)); }
  /// Forgets all, and keeps room for what is usual.
  void clear();
  /// Forgets what was written from `size` on.
  void truncate(std::size_t size) { next_ = begin_ + size; }

  /// Memory in messages begins at a multiple of this, counted from the beginning of the message.
  static constexpr std::size_t memory_alignment = 64;
  /// What stands before a reference that a MemorySender writes: its form and the bytes' number.
  static constexpr std::size_t reference_head = 1 + sizeof(std::uint64_t);

 private:
  std::byte* extend(std::size_t bytes) {
    if (static_cast<std::size_t>(end_ - next_) < bytes) grow(bytes);
    return std::exchange(next_, next_ + bytes);
  }
  void grow(std::size_t bytes);
  void pad();

  std::span<std::byte> own_;  // for messages that are not in the room
  std::byte* begin_ = nullptr;
  std::byte* next_ = nullptr;
  std::byte* end_ = nullptr;
  detail::MemorySender* sender_;
  detail::MessageRoom* room_;
  bool borrowing_ = false;
  int depth_ = 0;
};

/// Reads what an Encoder wrote. The bytes outlive it, and begin at a multiple of
/// Encoder::memory_alignment where they hold memory.
///
/// Threads: one.
/// Errors: SerializationError for a message that ends too early or says what cannot be.
class Decoder {
 public:
  Decoder(const void* data, std::size_t size, detail::MemoryReceiver* receiver = nullptr)
      : begin_(static_cast<const std::byte*>(data)),
        next_(begin_),
        end_(begin_ + size),
        receiver_(receiver) {}

  void read(void* data, std::size_t bytes) {
    if (bytes != 0) detail::copy_bytes(data, take(bytes), bytes);
  }
  template <class T>
  requires std::is_trivially_copyable_v<T> T get() {
    std::array<std::byte, sizeof(T)> bytes;
    std::memcpy(bytes.data(), take(sizeof(T)), sizeof(T));
    return std::bit_cast<T>(bytes);
  }
  /// The next bytes, where they lie.
  const std::byte* take(std::size_t bytes) {
    if (left() < bytes) detail::refuse_message("it ends too early");
    return std::exchange(next_, next_ + bytes);
  }
  /// The next bytes, as a message of their own; where memory begins is counted from the beginning
  /// of this one.
  Decoder part(std::size_t bytes) {
    Decoder part = *this;
    part.end_ = take(bytes) + bytes;
    return part;
  }
  /// While one lives, the decoder is inside of an object that another one holds. So deep only.
  class Deeper {
   public:
    explicit Deeper(Decoder& decoder) : decoder_(decoder) {
      if (detail::is_too_deep(decoder.depth_ + 1))
        detail::refuse_message("its values hold others too deep");
      ++decoder.depth_;
    }
    Deeper(const Deeper&) = delete;
    ~Deeper() { --decoder_.depth_; }

   private:
    Decoder& decoder_;
  };

  std::size_t left() const { return static_cast<std::size_t>(end_ - next_); }

  /// Where the memory lies here; see Encoder::memory(). Valid while the message is, or as long as
  /// `owner`. With `owner`, memory from the message itself is copied.
  struct Memory {
    void* data;
    std::size_t bytes;
    bool writable = false;  ///< changing it harms nobody, or is what was asked for
    bool foreign = false;   ///< it came in the message or from a file: its bytes may be anything
  };
  /// What does not lie at a multiple of `alignment` is copied: for `owner`, or for as long as this
  /// decoder lives. `unit` (1, 2, 4, … 64): where one of so many bytes was changed, all of them
  /// count as written, so that a number is never made of parts of two; see detail::written_unit.
  Memory memory(MemoryAccess access, std::shared_ptr<void>* owner = nullptr,
                std::size_t alignment = 1, std::size_t unit = 1);
  /// The contents of a container, where they lie for now.
  Memory contents();

 private:
  void align(Memory& memory, MemoryAccess access, std::shared_ptr<void>* owner,
             std::size_t alignment);

  const std::byte* begin_;
  const std::byte* next_;
  const std::byte* end_;
  int depth_ = 0;
  detail::MemoryReceiver* receiver_;
  std::vector<std::shared_ptr<void>> aligned_;  // copies that views look at
};

}  // namespace paracord
