#include "paracord/core/copy_bytes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace paracord::detail {
namespace {

constexpr std::size_t page = 4096;

std::vector<std::byte> numbered_bytes(std::size_t count) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i != count; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 251);
  return bytes;
}

// All distances that are copied in another way, and their neighbours; whole pages and not.
TEST(CopyBytes, CopiesAtEachDistance) {
  for (const std::size_t bytes : {std::size_t{1}, page - 1, page, page + 1, 3 * page, 5 * page + 77,
                                  (std::size_t{512} << 10) - 1, std::size_t{512} << 10}) {
    const std::size_t stride = (bytes + page - 1) / page * page;
    const auto from = numbered_bytes(bytes);
    for (const std::size_t behind : {0, 1, 8, 16, 31, 32, 33, 64, 4080}) {
      std::vector<std::byte> memory(stride + bytes + 2 * page);
      std::byte* source = memory.data();
      std::byte* target = source + stride + behind;
      std::copy(from.begin(), from.end(), source);
      copy_bytes(target, source, bytes);
      EXPECT_TRUE(std::equal(from.begin(), from.end(), target)) << bytes << ", " << behind;
      EXPECT_TRUE(std::all_of(target + bytes, memory.data() + memory.size(),
                              [](std::byte each) { return each == std::byte{0}; }));
    }
  }
}

}  // namespace
}  // namespace paracord::detail
