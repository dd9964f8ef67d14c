#include "paracord/memmap/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace paracord::detail {
namespace {

struct Registered final : Buffer {
  ~Registered() override { forget_mapped(*this); }
};

TEST(Buffer, IsAligned) {
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{1}, std::size_t{5} << 20}) {
    const auto buffer = allocate_on_heap(bytes);
    EXPECT_EQ(buffer->bytes, bytes);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(buffer->data) % 64, 0u);
  }
}

TEST(Buffer, IsFoundByAnyPartOfIt) {
  std::byte memory[100];
  auto buffer = std::make_shared<Registered>();
  buffer->data = memory;
  buffer->bytes = sizeof(memory);
  buffer->shared = true;
  buffer->fd = 77;
  buffer->offset = 1000;
  register_mapped(buffer);

  const auto place = find_mapped(memory + 10, 90);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->fd, 77);
  EXPECT_EQ(place->offset, 1010u);
  EXPECT_TRUE(place->writable);
  EXPECT_FALSE(find_mapped(memory + 10, 91).has_value());
  EXPECT_FALSE(find_mapped(memory + 100, 1).has_value());
  EXPECT_FALSE(find_mapped(memory + 10, SIZE_MAX).has_value());
}

TEST(Buffer, IsForgottenWithItsLastOwner) {
  std::byte memory[8];
  auto buffer = std::make_shared<Registered>();
  buffer->data = memory;
  buffer->bytes = sizeof(memory);
  register_mapped(buffer);
  buffer.reset();
  EXPECT_FALSE(find_mapped(memory, 8).has_value());
}

}  // namespace
}  // namespace paracord::detail
