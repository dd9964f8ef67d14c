#include "paracord/memmap/buffer.h"

#include <gtest/gtest.h>

#include <cstdint>

namespace paracord::detail {
namespace {

struct Registered final : Buffer {
  ~Registered() override { forget_buffer(*this); }
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
  register_buffer(buffer);

  const auto place = find_buffer(memory + 10, 90);
  ASSERT_TRUE(place.has_value());
  EXPECT_EQ(place->buffer->fd, 77);
  EXPECT_EQ(place->skipped, 10u);
  EXPECT_TRUE(place->is_writable());
  EXPECT_FALSE(find_buffer(memory + 10, 91).has_value());
  EXPECT_FALSE(find_buffer(memory + 100, 1).has_value());
  EXPECT_FALSE(find_buffer(memory + 10, SIZE_MAX).has_value());
}

TEST(Buffer, IsForgottenWithItsLastOwner) {
  std::byte memory[8];
  auto buffer = std::make_shared<Registered>();
  buffer->data = memory;
  buffer->bytes = sizeof(memory);
  register_buffer(buffer);
  buffer.reset();
  EXPECT_FALSE(find_buffer(memory, 8).has_value());
}

TEST(Buffer, IsFoundOnHeapOnceItIsFrozen) {
  auto buffer = allocate_on_heap(1000);
  const std::byte* memory = buffer->data;
  EXPECT_FALSE(find_buffer(memory, 1000).has_value());
  freeze(buffer);
  freeze(buffer);
  const auto held = find_buffer(memory + 100, 900);
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->buffer, buffer);
  EXPECT_EQ(held->skipped, 100u);
  EXPECT_FALSE(held->is_mapped());
  EXPECT_FALSE(held->is_writable());
}

TEST(Buffer, FrozenIsForgottenWithItsLastOwner) {
  auto buffer = allocate_on_heap(1000);
  freeze(buffer);
  const std::byte* memory = buffer->data;
  buffer.reset();
  EXPECT_FALSE(find_buffer(memory, 1).has_value());
}

// A handle on memory that somebody else has registered leaves that as it is.
TEST(Buffer, AdoptedFromARegisteredOneTakesNothingFromIt) {
  std::byte memory[8];
  auto first = std::make_shared<Registered>();
  first->data = memory;
  first->bytes = sizeof(memory);
  first->fd = 77;
  register_buffer(first);
  freeze(adopt_memory(first, memory, sizeof(memory), true));
  const auto held = find_buffer(memory, 8);
  ASSERT_TRUE(held.has_value());
  EXPECT_EQ(held->buffer, first);
  // It is the same memory, so that never changes again either.
  EXPECT_TRUE(first->frozen);
}

TEST(Buffer, FreezingAPartLeavesTheWholeAsItIs) {
  std::byte memory[8];
  auto whole = std::make_shared<Registered>();
  whole->data = memory;
  whole->bytes = sizeof(memory);
  register_buffer(whole);
  freeze(adopt_memory(whole, memory, 4, true));
  EXPECT_FALSE(whole->frozen);
}

}  // namespace
}  // namespace paracord::detail
