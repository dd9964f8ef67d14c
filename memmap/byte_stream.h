#pragma once

#include <cstddef>

namespace paracord {

/// Where bytes go, in order.
class ByteSink {
 public:
  virtual ~ByteSink() = default;
  virtual void write(const void* data, std::size_t bytes) = 0;
};

/// Where bytes come from, in order.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Up to `bytes` of them; 0 at the end only.
  virtual std::size_t read_some(void* data, std::size_t bytes) = 0;
  /// All of them: false where the end comes before.
  bool read(void* data, std::size_t bytes);
  /// Passes over bytes; false where the end comes before.
  virtual bool skip(std::size_t bytes);
};

}  // namespace paracord
