#include <bzlib.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "paracord/memmap/compressor.h"

namespace paracord::detail {

namespace {

class Bz2 final : public CompressionStream {
 public:
  explicit Bz2(std::optional<int> level) : compresses_(level.has_value()) {
    const int failed =
        level ? BZ2_bzCompressInit(&stream_, *level, 0, 0) : BZ2_bzDecompressInit(&stream_, 0, 0);
    if (failed != BZ_OK) throw std::bad_alloc();
  }
  ~Bz2() override { compresses_ ? BZ2_bzCompressEnd(&stream_) : BZ2_bzDecompressEnd(&stream_); }

  bool run(Step& step, bool last) override {
    const auto in = static_cast<unsigned>(std::min(step.in_left, most));
    const auto out = static_cast<unsigned>(std::min(step.out_left, most));
    if (compresses_ && in == 0 && !last) return false;  // it takes no empty steps
    stream_.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(step.in));
    stream_.avail_in = in;
    stream_.next_out = reinterpret_cast<char*>(step.out);
    stream_.avail_out = out;
    const bool ends = last && in == step.in_left;
    const int got = compresses_ ? BZ2_bzCompress(&stream_, ends ? BZ_FINISH : BZ_RUN)
                                : BZ2_bzDecompress(&stream_);
    if (got < 0) throw std::runtime_error("its compressed data are damaged");
    step.in += in - stream_.avail_in;
    step.in_left -= in - stream_.avail_in;
    step.out += out - stream_.avail_out;
    step.out_left -= out - stream_.avail_out;
    return got == BZ_STREAM_END;
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 30;
  bz_stream stream_{};
  const bool compresses_;
};

}  // namespace

Compressor bz2_compressor() {
  return {
      "bz2",
      ".bz2",
      "BZh",
      1,
      9,
      9,
      [](int level, int) -> std::unique_ptr<CompressionStream> {
        return std::make_unique<Bz2>(level);
      },
      []() -> std::unique_ptr<CompressionStream> { return std::make_unique<Bz2>(std::nullopt); }};
}

}  // namespace paracord::detail
