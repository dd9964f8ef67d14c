#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "paracord/memmap/byte_stream.h"
#include "paracord/memmap/compressor.h"

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
  DecompressingSource(const Compressor& compressor, ByteSource& from, std::string name);
  std::size_t read_some(void* data, std::size_t bytes) override;

 private:
  bool fill();
  const Compressor compressor_;
  std::unique_ptr<CompressionStream> stream_;
  ByteSource& from_;
  const std::string name_;
  std::vector<std::byte> compressed_;
  std::size_t next_ = 0, behind_ = 0;
  bool complete_ = false;  // the stream is, and no other has begun
};

}  // namespace paracord::detail
