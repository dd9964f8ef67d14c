// The decoder of the data sockets' messages against bytes from anywhere. An input holds frames: a
// 16-bit count of words, then the words.
//
// With libFuzzer under clang (PARACORD_BUILD_FUZZERS); else with a main of its own that replays the
// files of a corpus, or writes one (with --write).

#include <cstring>
#include <vector>

#include "paracord/transport/data_codec.h"

namespace {

using namespace paracord::cluster;

std::vector<std::vector<std::uint64_t>> frames_of(const std::uint8_t* data, std::size_t size) {
  std::vector<std::vector<std::uint64_t>> frames;
  constexpr std::size_t most_frames = 6;
  while (size >= 2 && frames.size() != most_frames) {
    const std::size_t wanted = (data[0] | std::size_t{data[1]} << 8) * sizeof(std::uint64_t);
    data += 2;
    size -= 2;
    const std::size_t bytes = std::min(wanted, size / sizeof(std::uint64_t) * 8);
    frames.emplace_back(bytes / sizeof(std::uint64_t));
    if (bytes != 0) std::memcpy(frames.back().data(), data, bytes);
    data += bytes;
    size -= bytes;
  }
  return frames;
}

// What was read is used as the plane does, down to the last byte.
std::size_t look_at(const data::DataMessage& message) {
  std::size_t sum = 0;
  if (const auto* chunk = std::get_if<data::Chunk>(&message)) {
    sum += digest_of(chunk->bytes)[0];
    if (chunk->index >= data::count_chunks(chunk->object)) __builtin_trap();
  } else if (const auto* want = std::get_if<data::Want>(&message)) {
    for (const std::uint32_t index : want->chunks) {
      if (index >= data::count_chunks(want->object)) __builtin_trap();
    }
  } else if (const auto* cannot = std::get_if<data::Cannot>(&message)) {
    sum += cannot->why.size();
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto frames = frames_of(bytes, size);
  std::vector<std::span<const std::byte>> parts;
  for (const auto& words : frames) parts.push_back(std::as_bytes(std::span(words)));
  data::DataMessage message;
  if (!data::decode(parts, message).ok()) return 0;
  static volatile std::size_t used = 0;
  used = used + look_at(message);
  // What can be read can be said again.
  data::encode(message, [](std::span<const std::byte>, bool, bool) {});
  return 0;
}

#ifndef PARACORD_FUZZER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

void write_message(const std::filesystem::path& path, const data::DataMessage& message) {
  std::ofstream out(path, std::ios::binary);
  data::encode(message, [&](std::span<const std::byte> frame, bool, bool) {
    const std::size_t words = frame.size() / 8;
    out.put(static_cast<char>(words & 0xff)).put(static_cast<char>(words >> 8));
    out.write(reinterpret_cast<const char*>(frame.data()),
              static_cast<std::streamsize>(frame.size()));
  });
}

void write_corpus(const std::filesystem::path& folder) {
  const ObjectId object{{1, 2}, 3 * chunk_bytes + 40}, small{{3, 4}, 64};
  const std::vector<std::uint64_t> words(8, 7);
  write_message(folder / "hello", data::Hello{1, 2, {3, 4, {5, 6}}});
  write_message(folder / "ask_table", data::AskTable{object, 1});
  write_message(folder / "table", data::TablePart{object, 1, {{1, 2}, {3, 4}}});
  write_message(folder / "want", data::Want{object, {0, 3}});
  write_message(folder / "chunk", data::Chunk{small, 0, std::as_bytes(std::span(words))});
  write_message(folder / "odd_chunk",
                data::Chunk{{{5, 6}, 13}, 0, std::as_bytes(std::span(words)).first(13)});
  write_message(folder / "cannot", data::Cannot{object, "it is not here"});
  write_message(folder / "have", data::Have{object, false, {1, 2}});
  write_message(folder / "ask_place", data::AskPlace{object});
  write_message(folder / "place", data::Place{object, {7, 8, 9, 10}});
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string(argv[1]) == "--write") {
    write_corpus(argv[2]);
    return 0;
  }
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(argc == 2 ? argv[1] : ".")) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes((std::istreambuf_iterator<char>(in)), {});
    const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
    // Whole, and cut off anywhere.
    for (std::size_t size = 0; size <= bytes.size(); ++size) LLVMFuzzerTestOneInput(data, size);
    ++files;
  }
  std::printf("%d files of the corpus were read\n", files);
  return files == 0 ? 1 : 0;
}
#endif
