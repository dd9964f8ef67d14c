#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <memory>
#include <string>
#include <type_traits>

#include "paracord/core/encoder.h"
#include "paracord/memmap/buffer.h"
#include "paracord/memmap/digest.h"

namespace paracord::detail {

/// XXH3, 128 bits.
Digest digest_of(const void* data, std::size_t bytes);

/// The digest of the bytes that are written to it, in order. Long runs count with a digest of their
/// own, so they are read where they lie.
class HashStream {
 public:
  HashStream() = default;
  /// Of a part of what another one hashes.
  explicit HashStream(const HashStream* whole) : depth_(whole->depth_) {}
  HashStream(const HashStream&) = delete;

  void write(const void* data, std::size_t bytes) {
    if (bytes > most_at_once) return write_long(data, bytes);
    if (bytes == 0) return;
    if (bytes > sizeof buffer_ - used_) fold();
    std::memcpy(buffer_ + used_, data, bytes);
    used_ += bytes;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { write(&value, sizeof value); }
  void put_digest(const Digest& digest) {
    put(digest.high);
    put(digest.low);
  }

  /// Elements of an array. Those that never change again (frozen, or of a sealed file) are read
  /// once in the life of the program. `buffer` may be null: then it is looked for.
  void memory(const void* data, std::size_t bytes, const std::shared_ptr<Buffer>* buffer);

  Digest finish() const { return digest_of(buffer_, used_); }
  void clear() { used_ = 0; }

  /// While one lives, what is hashed is inside of an object that another one holds; so deep only,
  /// as Encoder::Deeper.
  class Deeper {
   public:
    explicit Deeper(HashStream& stream) : stream_(stream) {
      if (is_too_deep(stream.depth_ + 1)) refuse_depth();
      ++stream.depth_;
    }
    Deeper(const Deeper&) = delete;
    ~Deeper() { --stream_.depth_; }

   private:
    HashStream& stream_;
  };

 private:
  static constexpr std::size_t most_at_once = 256;
  void fold();
  void write_long(const void* data, std::size_t bytes);

  std::byte buffer_[1024];
  std::size_t used_ = 0;
  int depth_ = 0;
};

}  // namespace paracord::detail
