#include "paracord/memmap/compressed_stream.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace paracord {

bool ByteSource::read(void* data, std::size_t bytes) {
  auto* next = static_cast<std::byte*>(data);
  while (bytes != 0) {
    const std::size_t got = read_some(next, bytes);
    if (got == 0) return false;
    next += got;
    bytes -= got;
  }
  return true;
}

bool ByteSource::skip(std::size_t bytes) {
  std::byte passed[4096];
  while (bytes != 0) {
    const std::size_t got = read_some(passed, std::min(bytes, sizeof passed));
    if (got == 0) return false;
    bytes -= got;
  }
  return true;
}

namespace detail {

namespace {

constexpr std::size_t chunk = std::size_t{256} << 10;

}  // namespace

CompressingSink::CompressingSink(const Compression& compression, ByteSink& to)
    : stream_(compression.compressor.compress(compression.level, compression.threads)),
      to_(to),
      room_(chunk) {}

void CompressingSink::write(const void* data, std::size_t bytes) {
  run({static_cast<const std::byte*>(data), bytes, nullptr, 0}, false);
}

void CompressingSink::finish() {
  run({nullptr, 0, nullptr, 0}, true);
}

void CompressingSink::run(CompressionStream::Step step, bool last) {
  for (bool complete = false; last ? !complete : step.in_left != 0;) {
    step.out = room_.data();
    step.out_left = room_.size();
    complete = stream_->run(step, last);
    to_.write(room_.data(), room_.size() - step.out_left);
  }
}

DecompressingSource::DecompressingSource(const Compressor& compressor, ByteSource& from,
                                         std::string name, int threads)
    : compressor_(compressor),
      stream_(compressor.decompress()),
      from_(from),
      name_(std::move(name)) {
  if (threads > 0) {
    ahead_.emplace(from);
  } else {
    compressed_.resize(chunk);
  }
}

bool DecompressingSource::fill() {
  if (!left_.empty()) return true;
  if (ahead_) {
    left_ = ahead_->next();
  } else {
    left_ = std::span(compressed_).first(from_.read_some(compressed_.data(), compressed_.size()));
  }
  return !left_.empty();
}

std::size_t DecompressingSource::read_some(void* data, std::size_t bytes) {
  auto* first = static_cast<std::byte*>(data);
  while (bytes != 0) {
    const bool more = fill();
    if (complete_ && !more) return 0;
    if (complete_) stream_ = compressor_.decompress();
    complete_ = false;
    CompressionStream::Step step{left_.data(), left_.size(), first, bytes};
    const std::size_t before = step.in_left;
    try {
      complete_ = stream_->run(step, !more);
    } catch (const std::runtime_error& error) {
      throw std::runtime_error("'" + name_ + "' cannot be read: " + error.what());
    }
    left_ = left_.last(step.in_left);
    if (step.out != first) return static_cast<std::size_t>(step.out - first);
    if (!complete_ && step.in_left == before) {  // no input is left, or none is taken
      throw std::runtime_error("'" + name_ + "' cannot be read: its compressed data (" +
                               compressor_.name + ") end too early; was it cut off?");
    }
  }
  return 0;
}

}  // namespace detail
}  // namespace paracord
