#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paracord/memmap/byte_stream.h"
#include "paracord/memmap/compressor.h"
#include "paracord/memmap/read_ahead.h"

namespace paracord::detail {

/// Compresses what is written to it, into another sink. finish() completes it.
class CompressingSink final : public ByteSink {
 public:
  CompressingSink(const Compression& compression, ByteSink& to);
  void write(const void* data, std::size_t bytes) override;
  void finish();

 private:
  void run(CompressionStream::Step step, bool last);
  const std::unique_ptr<CompressionStream> stream_;
  ByteSink& to_;
  std::vector<std::byte> room_;
};

/// Decompresses another source; several streams in a row count as one.
/// Errors: std::runtime_error with the file's name, for damaged data and for an early end.
class DecompressingSource final : public ByteSource {
 public:
  /// `threads`: how many may be used besides this one; one reads ahead.
  DecompressingSource(const Compressor& compressor, ByteSource& from, std::string name,
                      int threads = 0);
  std::size_t read_some(void* data, std::size_t bytes) override;

 private:
  bool fill();
  const Compressor compressor_;
  std::unique_ptr<CompressionStream> stream_;
  ByteSource& from_;
  const std::string name_;
  std::vector<std::byte> compressed_;
  std::optional<ReadAhead> ahead_;
  std::span<const std::byte> left_;  // of what was read last
  bool complete_ = false;            // the stream is, and no other has begun
};

}  // namespace paracord::detail
