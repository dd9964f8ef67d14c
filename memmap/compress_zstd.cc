#include <zstd.h>

#include <new>
#include <stdexcept>

#include "paracord/memmap/compressor.h"

namespace paracord::detail {

namespace {

std::size_t checked_zstd(std::size_t got) {
  if (ZSTD_isError(got)) {
    throw std::runtime_error(std::string("its compressed data are damaged: ") +
                             ZSTD_getErrorName(got));
  }
  return got;
}

// What both directions do: one moves `in` and `out` on, and returns how much is left to do.
template <class Run>
bool run_buffers(CompressionStream::Step& step, Run run) {
  ZSTD_inBuffer in{step.in, step.in_left, 0};
  ZSTD_outBuffer out{step.out, step.out_left, 0};
  const std::size_t left = checked_zstd(run(out, in));
  step = {step.in + in.pos, step.in_left - in.pos, step.out + out.pos, step.out_left - out.pos};
  return left == 0;
}

class ZstdCompression final : public CompressionStream {
 public:
  ZstdCompression(int level, int threads) {
    if (context_ == nullptr) throw std::bad_alloc();
    checked_zstd(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, level));
    checked_zstd(ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1));
    // A library without threads refuses: then this one does all.
    (void)ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_nbWorkers, threads);
  }
  bool run(Step& step, bool last) override {
    const bool done = run_buffers(step, [&](ZSTD_outBuffer& out, ZSTD_inBuffer& in) {
      return ZSTD_compressStream2(context_.get(), &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
    });
    return last && done;
  }

 private:
  struct Free {
    void operator()(ZSTD_CCtx* context) const { ZSTD_freeCCtx(context); }
  };
  std::unique_ptr<ZSTD_CCtx, Free> context_{ZSTD_createCCtx()};
};

class ZstdDecompression final : public CompressionStream {
 public:
  ZstdDecompression() {
    if (context_ == nullptr) throw std::bad_alloc();
  }
  bool run(Step& step, bool) override {
    return run_buffers(step, [&](ZSTD_outBuffer& out, ZSTD_inBuffer& in) {
      return ZSTD_decompressStream(context_.get(), &out, &in);
    });
  }

 private:
  struct Free {
    void operator()(ZSTD_DCtx* context) const { ZSTD_freeDCtx(context); }
  };
  std::unique_ptr<ZSTD_DCtx, Free> context_{ZSTD_createDCtx()};
};

}  // namespace

Compressor zstd_compressor() {
  return {
      "zstd",
      ".zst",
      "\x28\xb5\x2f\xfd",
      -7,
      22,
      3,
      [](int level, int threads) -> std::unique_ptr<CompressionStream> {
        return std::make_unique<ZstdCompression>(level, threads);
      },
      []() -> std::unique_ptr<CompressionStream> { return std::make_unique<ZstdDecompression>(); }};
}

}  // namespace paracord::detail
