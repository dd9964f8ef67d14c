// Feeds bytes from anywhere to load(): whatever they are, it returns a value or throws
// std::runtime_error. Built by clang's libFuzzer; replayed over the corpus as a test elsewhere.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "paracord/memmap/hash.h"
#include "paracord/memmap/persist.h"
#include "paracord/memmap/value_format.h"

namespace paracord {
namespace {

struct Fuzzed {
  std::map<std::string, std::vector<double>> tables;
  std::vector<std::optional<std::string>> names;
  Array<float> image;
  std::variant<int, std::string> choice;
};

constexpr std::uint64_t most = std::uint64_t{16} << 20;  // bytes that a file may ask for

template <class T>
void try_load(const std::string& path, std::optional<MmapMode> mode) {
  try {
    const T value = load<T>(path, {.mmap_mode = mode, .max_bytes = most});
    (void)hash(value);
  } catch (const std::runtime_error&) {
  }
}

// Makes a mutated file right in itself, so that what lies behind the digests is reached.
std::string repaired(std::string bytes) {
  detail::ValueHeader header;
  if (bytes.size() < sizeof header) return bytes;
  std::memcpy(&header, bytes.data(), sizeof header);
  const std::string& type = detail::type_text<Fuzzed>();
  const std::size_t start = detail::aligned(sizeof header + type.size());
  header.magic = detail::value_magic;
  header.version = 1;
  header.changed = 1;  // no digests of blocks
  header.type_bytes = static_cast<std::uint32_t>(type.size());
  if (bytes.size() < start) bytes.resize(start);
  std::memcpy(bytes.data() + sizeof header, type.data(), type.size());
  header.message_bytes = std::min<std::uint64_t>(header.message_bytes, bytes.size() - start);
  const std::size_t blocks = start + detail::aligned(header.message_bytes);
  if (bytes.size() < blocks) bytes.resize(blocks);
  bytes.resize(detail::aligned(bytes.size()));
  header.blocks_bytes = bytes.size() - blocks;
  header.body =
      detail::body_digest(type.data(), type.size(), bytes.data() + start, header.message_bytes);
  header.check = detail::check_of(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

void try_bytes(const std::string& bytes) {
  static const int fd = memfd_create("fuzzed", MFD_CLOEXEC);
  static const std::string path = "/proc/self/fd/" + std::to_string(fd);
  if (ftruncate(fd, 0) != 0 ||
      pwrite(fd, bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    std::abort();
  }
  for (const std::optional<MmapMode> mode :
       {std::optional<MmapMode>(), std::optional(MmapMode::read)}) {
    try_load<Fuzzed>(path, mode);
    try_load<Array<float>>(path, mode);
  }
}

}  // namespace
}  // namespace paracord

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  paracord::try_bytes(bytes);
  paracord::try_bytes(paracord::repaired(bytes));
  return 0;
}

#ifdef PARACORD_WRITE_CORPUS
int main(int, char** argv) {
  using namespace paracord;  // NOLINT: a tool of ten lines
  Fuzzed value;
  value.tables = {{"a", {1, 2, 3}}, {"b", std::vector<double>(9000, 2.0)}};
  value.names = {"x", std::nullopt, std::string(100, 'y')};
  value.image = Array<float>({3, 4});
  value.choice = std::string("text");
  const std::string folder = argv[1];
  dump(value, folder + "/value");
  for (const char* name : {"zlib", "gzip", "bz2", "xz", "lz4", "zstd"})
    dump(value, folder + "/" + name, {.compress = name});
  dump(value.image, folder + "/array.npy");
  value = {};
  dump(value, folder + "/empty");
}
#elif defined(PARACORD_REPLAY_CORPUS)
#include <filesystem>
#include <fstream>

// Each file of a folder, whole and cut short.
int main(int, char** argv) {
  int count = 0;
  for (const auto& file : std::filesystem::directory_iterator(argv[1])) {
    std::ifstream in(file.path(), std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(in), {});
    for (std::size_t size = 0; size <= bytes.size(); size += 1 + bytes.size() / 200)
      LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), size);
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
    ++count;
  }
  return count == 0;
}
#endif
