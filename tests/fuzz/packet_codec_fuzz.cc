// The decoder of control packets against bytes from anywhere.
//
// With libFuzzer under clang (PARACORD_BUILD_FUZZERS); else with a main of its own that replays the
// files of a corpus, or writes one (with --write).

#include "paracord/tests/transport/packet_samples.h"
#include "paracord/transport/packet_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  using namespace paracord::cluster;
  Packet packet;
  if (!decode_packet({reinterpret_cast<const std::byte*>(bytes), size}, packet).ok()) return 0;
  // What can be read can be said again, and then it is the same.
  const std::string said = encode_packet(packet);
  Packet again;
  if (!decode_packet(std::as_bytes(std::span(said)), again).ok()) __builtin_trap();
  if (again.messages.size() != packet.messages.size()) __builtin_trap();
  return 0;
}

#ifndef PARACORD_FUZZER
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace {

void write_corpus(const std::filesystem::path& folder) {
  using namespace paracord::cluster;
  const Packet all = sample_packet();
  const auto write = [&](const std::string& name, const Packet& packet) {
    const std::string bytes = encode_packet(packet);
    std::ofstream(folder / name, std::ios::binary) << bytes;
  };
  write("all", all);
  for (std::size_t i = 0; i != all.messages.size(); ++i)
    write("kind_" + std::to_string(i), {1, i, {all.messages[i]}});
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
