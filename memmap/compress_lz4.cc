#include <lz4frame.h>

#include <algorithm>
#include <new>
#include <stdexcept>
#include <vector>

#include "paracord/memmap/compressor.h"

namespace paracord::detail {

namespace {

std::size_t checked_lz4(std::size_t got) {
  if (LZ4F_isError(got)) {
    throw std::runtime_error(std::string("its compressed data are damaged: ") +
                             LZ4F_getErrorName(got));
  }
  return got;
}

// LZ4 wants room for the worst case, so what it makes waits here until there is room.
class Lz4Compression final : public CompressionStream {
 public:
  explicit Lz4Compression(int level) {
    checked_lz4(LZ4F_createCompressionContext(&context_, LZ4F_VERSION));
    preferences_.compressionLevel = level;
    preferences_.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled;
    preferences_.frameInfo.blockSizeID = LZ4F_max1MB;
    made_.resize(LZ4F_compressBound(most, &preferences_) + LZ4F_HEADER_SIZE_MAX);
    behind_ = checked_lz4(LZ4F_compressBegin(context_, made_.data(), made_.size(), &preferences_));
  }
  ~Lz4Compression() override { LZ4F_freeCompressionContext(context_); }

  bool run(Step& step, bool last) override {
    while (true) {
      const std::size_t moved = std::min(behind_ - next_, step.out_left);
      step.out = std::copy_n(made_.data() + next_, moved, step.out);
      step.out_left -= moved;
      next_ += moved;
      if (next_ != behind_) return false;
      if (ended_) return true;
      next_ = behind_ = 0;
      if (step.in_left != 0) {
        const std::size_t taken = std::min(step.in_left, most);
        behind_ = checked_lz4(
            LZ4F_compressUpdate(context_, made_.data(), made_.size(), step.in, taken, nullptr));
        step.in += taken;
        step.in_left -= taken;
      } else if (last) {
        behind_ = checked_lz4(LZ4F_compressEnd(context_, made_.data(), made_.size(), nullptr));
        ended_ = true;
      } else {
        return false;
      }
    }
  }

 private:
  static constexpr std::size_t most = std::size_t{1} << 20;
  LZ4F_cctx* context_ = nullptr;
  LZ4F_preferences_t preferences_{};
  std::vector<std::byte> made_;
  std::size_t next_ = 0, behind_ = 0;
  bool ended_ = false;
};

class Lz4Decompression final : public CompressionStream {
 public:
  Lz4Decompression() { checked_lz4(LZ4F_createDecompressionContext(&context_, LZ4F_VERSION)); }
  ~Lz4Decompression() override { LZ4F_freeDecompressionContext(context_); }
  bool run(Step& step, bool) override {
    std::size_t in = step.in_left, out = step.out_left;
    const std::size_t left =
        checked_lz4(LZ4F_decompress(context_, step.out, &out, step.in, &in, nullptr));
    step = {step.in + in, step.in_left - in, step.out + out, step.out_left - out};
    return left == 0;
  }

 private:
  LZ4F_dctx* context_ = nullptr;
};

}  // namespace

Compressor lz4_compressor() {
  return {
      "lz4",
      ".lz4",
      "\x04\x22\x4d\x18",
      0,
      12,
      0,
      [](int level, int) -> std::unique_ptr<CompressionStream> {
        return std::make_unique<Lz4Compression>(level);
      },
      []() -> std::unique_ptr<CompressionStream> { return std::make_unique<Lz4Decompression>(); }};
}

}  // namespace paracord::detail
