#include <lzma.h>

#include <new>
#include <stdexcept>

#include "paracord/memmap/compressor.h"

namespace paracord::detail {

namespace {

// To read a file. The highest level needs an eighth; a hostile file may ask for gigabytes.
constexpr std::uint64_t most_memory = std::uint64_t{512} << 20;

class Xz final : public CompressionStream {
 public:
  explicit Xz(std::optional<int> level) {
    const lzma_ret failed =
        level ? lzma_easy_encoder(&stream_, static_cast<std::uint32_t>(*level), LZMA_CHECK_CRC64)
              : lzma_stream_decoder(&stream_, most_memory, 0);
    if (failed != LZMA_OK) throw std::bad_alloc();
  }
  ~Xz() override { lzma_end(&stream_); }

  bool run(Step& step, bool last) override {
    stream_.next_in = reinterpret_cast<const std::uint8_t*>(step.in);
    stream_.avail_in = step.in_left;
    stream_.next_out = reinterpret_cast<std::uint8_t*>(step.out);
    stream_.avail_out = step.out_left;
    const lzma_ret got = lzma_code(&stream_, last ? LZMA_FINISH : LZMA_RUN);
    if (got == LZMA_MEM_ERROR) throw std::bad_alloc();
    if (got != LZMA_OK && got != LZMA_STREAM_END && got != LZMA_BUF_ERROR)
      throw std::runtime_error("its compressed data are damaged");
    step = {step.in + (step.in_left - stream_.avail_in), stream_.avail_in,
            step.out + (step.out_left - stream_.avail_out), stream_.avail_out};
    return got == LZMA_STREAM_END;
  }

 private:
  lzma_stream stream_ = LZMA_STREAM_INIT;
};

}  // namespace

Compressor xz_compressor() {
  return {
      "xz",
      ".xz",
      std::string("\xfd"
                  "7zXZ\0",
                  6),
      0,
      9,
      3,
      [](int level, int) -> std::unique_ptr<CompressionStream> {
        return std::make_unique<Xz>(level);
      },
      []() -> std::unique_ptr<CompressionStream> { return std::make_unique<Xz>(std::nullopt); }};
}

}  // namespace paracord::detail
