#include <zlib.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "paracord/memmap/compressor.h"

/// zlib and gzip: the same stream in two wrappings.
namespace paracord::detail {

namespace {

constexpr int window_bits = 15;
constexpr int gzip_wrapping = 16;

class Zlib final : public CompressionStream {
 public:
  // A level to compress; nothing to decompress.
  Zlib(int wrapping, std::optional<int> level) : compresses_(level.has_value()) {
    const int bits = window_bits + wrapping;
    const int failed = level
                           ? deflateInit2(&stream_, *level, Z_DEFLATED, bits, 8, Z_DEFAULT_STRATEGY)
                           : inflateInit2(&stream_, bits);
    if (failed != Z_OK) throw std::bad_alloc();
  }
  ~Zlib() override { compresses_ ? deflateEnd(&stream_) : inflateEnd(&stream_); }

  bool run(Step& step, bool last) override {
    const auto in = static_cast<uInt>(std::min(step.in_left, most));
    const auto out = static_cast<uInt>(std::min(step.out_left, most));
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(step.in));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<Bytef*>(step.out);
    stream_.avail_out = out;
    const bool ends = last && in == step.in_left;
    const int got = compresses_ ? deflate(&stream_, ends ? Z_FINISH : Z_NO_FLUSH)
                                : inflate(&stream_, Z_NO_FLUSH);
    if (got != Z_OK && got != Z_STREAM_END && got != Z_BUF_ERROR)
      throw std::runtime_error("its compressed data are damaged");
    step.in += in - stream_.avail_in;
    step.in_left -= in - stream_.avail_in;
    step.out += out - stream_.avail_out;
    step.out_left -= out - stream_.avail_out;
    return got == Z_STREAM_END;
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 30;
  z_stream stream_{};
  const bool compresses_;
};

template <int wrapping>
std::unique_ptr<CompressionStream> compress(int level, int) {
  return std::make_unique<Zlib>(wrapping, level);
}
template <int wrapping>
std::unique_ptr<CompressionStream> decompress() {
  return std::make_unique<Zlib>(wrapping, std::nullopt);
}

}  // namespace

Compressor zlib_compressor() {
  return {"zlib", ".z", "\x78", 0, 9, 3, &compress<0>, &decompress<0>};
}

Compressor gzip_compressor() {
  return {"gzip", ".gz", "\x1f\x8b", 0, 9, 3, &compress<gzip_wrapping>, &decompress<gzip_wrapping>};
}

}  // namespace paracord::detail
