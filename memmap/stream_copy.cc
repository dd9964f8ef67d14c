#include "paracord/memmap/stream_copy.h"

#include <cstdint>
#include <cstring>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

namespace paracord::detail {

namespace {

// What is smaller is still in the cache when its reader comes.
constexpr std::size_t least_streamed = std::size_t{4} << 20;

#ifdef __SSE2__
constexpr std::size_t line = 64;

// `to` begins a cache line.
void stream_lines(std::byte* to, const std::byte* from, std::size_t lines) {
  constexpr std::size_t per_line = line / sizeof(__m128i);
  for (; lines != 0; --lines, to += line, from += line) {
    __m128i part[per_line];
    for (std::size_t i = 0; i != per_line; ++i)
      part[i] = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from) + i);
    for (std::size_t i = 0; i != per_line; ++i)
      _mm_stream_si128(reinterpret_cast<__m128i*>(to) + i, part[i]);
  }
  _mm_sfence();
}
#endif

}  // namespace

void stream_copy(void* to, const void* from, std::size_t bytes) noexcept {
#ifdef __SSE2__
  if (bytes >= least_streamed) {
    auto* target = static_cast<std::byte*>(to);
    const auto* source = static_cast<const std::byte*>(from);
    const std::size_t before = (line - reinterpret_cast<std::uintptr_t>(to) % line) % line;
    const std::size_t lines = (bytes - before) / line;
    std::memcpy(target, source, before);
    stream_lines(target + before, source + before, lines);
    const std::size_t done = before + lines * line;
    std::memcpy(target + done, source + done, bytes - done);
    return;
  }
#endif
  std::memcpy(to, from, bytes);
}

}  // namespace paracord::detail
