#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

/// The memory that messages refer to, and are written in: what an Encoder and a Decoder ask of the
/// backend whose messages they are.
namespace paracord {

class Encoder;
class Decoder;

/// What a task may do with memory that it was given a view of.
enum class MemoryAccess : std::uint8_t {
  read_only,
  read_write,
  read_write_parts  ///< some of the elements between the first and the last; the rest are others'
};

namespace detail {

/// Memory that is too large for a message: placed where the receiver can reach it.
class MemorySender {
 public:
  virtual ~MemorySender() = default;
  /// Writes a reference to `bytes` at `data` into the message, or returns false: they shall go into
  /// the message itself. `owner` keeps the memory, and may be null: then it is borrowed, and lives
  /// and stays as it is until the call is over. Throws SerializationError.
  virtual bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
                    const std::shared_ptr<const void>* owner) = 0;
  /// The same for memory that is gone once the message was sent.
  virtual bool send_copy(Encoder& out, const void* data, std::size_t bytes) = 0;
};

/// Where long messages are written: so that their receiver finds them there, without another copy.
class MessageRoom {
 public:
  virtual ~MessageRoom() = default;
  virtual std::size_t least_bytes() const = 0;  ///< of messages that need it
  /// Room for `bytes` at least, in place of the room before: `used` bytes at `held` are copied.
  virtual std::span<std::byte> move(const std::byte* held, std::size_t used, std::size_t bytes) = 0;
};

/// The other end: finds what a reference names.
class MemoryReceiver {
 public:
  virtual ~MemoryReceiver() = default;
  /// Where the bytes lie here, and whether the receiver may change them there.
  struct Received {
    void* data;
    bool writable;
    bool foreign = false;       ///< of a file: nothing is known of what the bytes are
    bool reaches_file = false;  ///< what is written to it is written to a file
  };
  /// Reads a reference. `owner`, where it is given, keeps the bytes mapped; otherwise they stay
  /// until the task is over. `unit`: so many bytes are written as one; see Decoder::memory().
  virtual Received receive(Decoder& in, std::size_t bytes, MemoryAccess access, std::size_t unit,
                           std::shared_ptr<void>* owner) = 0;
};

}  // namespace detail
}  // namespace paracord
