#include "paracord/memmap/slice.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace paracord {
namespace {

std::vector<int> pick(const Slice& slice, int length) {
  const detail::Indexes indexes = detail::resolve(slice, static_cast<std::size_t>(length));
  std::vector<int> picked;
  for (std::size_t i = 0; i != indexes.count; ++i) {
    picked.push_back(
        static_cast<int>(indexes.start + static_cast<std::ptrdiff_t>(i) * indexes.step));
  }
  return picked;
}
using Ints = std::vector<int>;

// What Python answers to list(range(length))[start:stop:step].
TEST(Slice, AnswersAsPython) {
  EXPECT_EQ(pick(Slice::all, 4), (Ints{0, 1, 2, 3}));
  EXPECT_EQ(pick({1, 3}, 4), (Ints{1, 2}));
  EXPECT_EQ(pick({.stop = -1}, 4), (Ints{0, 1, 2}));
  EXPECT_EQ(pick({.start = -2}, 4), (Ints{2, 3}));
  EXPECT_EQ(pick({.start = 1, .step = 2}, 6), (Ints{1, 3, 5}));
  EXPECT_EQ(pick({.step = -1}, 3), (Ints{2, 1, 0}));
  EXPECT_EQ(pick({.start = 10, .stop = 1, .step = -2}, 6), (Ints{5, 3}));
  EXPECT_EQ(pick({.start = 3, .step = -3}, 6), (Ints{3, 0}));
}

TEST(Slice, IsCutOffAtTheEnds) {
  EXPECT_EQ(pick({-100, 100}, 3), (Ints{0, 1, 2}));
  EXPECT_EQ(pick({5, 9}, 3), Ints{});
  EXPECT_EQ(pick({2, 1}, 3), Ints{});
  EXPECT_EQ(pick(Slice::all, 0), Ints{});
  EXPECT_EQ(pick({.step = -1}, 0), Ints{});
  EXPECT_EQ(pick({.stop = -100, .step = -1}, 3), (Ints{2, 1, 0}));
}

TEST(Slice, TakesTheLargestNumbers) {
  EXPECT_EQ(pick({.step = PTRDIFF_MAX}, 3), Ints{0});
  EXPECT_EQ(pick({.step = PTRDIFF_MIN}, 3), Ints{2});
  EXPECT_EQ(pick({PTRDIFF_MIN + 1, PTRDIFF_MAX}, 2), (Ints{0, 1}));
}

TEST(Slice, RefusesAStepOfZero) {
  EXPECT_THROW(pick({.step = 0}, 3), std::invalid_argument);
}

TEST(Slice, TakesAPartOfASpan) {
  std::vector<int> values{1, 2, 3, 4};
  const std::span<int> part = subspan(std::span<int>(values), {1, -1});
  EXPECT_EQ(Ints(part.begin(), part.end()), (Ints{2, 3}));
  EXPECT_THROW(subspan(std::span<int>(values), {.step = 2}), std::invalid_argument);
}

}  // namespace
}  // namespace paracord
