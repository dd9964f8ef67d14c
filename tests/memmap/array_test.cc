#include "paracord/memmap/array.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

#include "paracord/core/delayed.h"

namespace paracord {
namespace {

static_assert(!std::is_convertible_v<const Array<int>&, ArrayView<int>>);
static_assert(!std::is_convertible_v<const Array<int>&, std::span<int>>);

using Ints = std::vector<int>;

Array<int> counted_ints(const Shape& shape) {
  auto array = Array<int>::uninitialized(shape);
  std::iota(array.data(), array.data() + array.size(), 0);
  return array;
}

int sum_of_view(ArrayView<const int> view) {
  return std::accumulate(view.begin(), view.end(), 0);
}
int sum_of_span(std::span<const int> span) {
  return std::accumulate(span.begin(), span.end(), 0);
}
void fill(ArrayView<int> view) {
  for (int& element : view) element = 7;
}
int sum_of_array(const Array<int>& array) {
  return sum_of_view(array);
}

TEST(Array, BeginsWithZeros) {
  for (int i = 0; i != 3; ++i) {  // also in memory that was used before
    Array<int> zeros({100, 100});
    EXPECT_EQ(sum_of_view(zeros), 0);
    fill(zeros);
  }
  EXPECT_EQ(Array<int>().size(), 0u);
  EXPECT_EQ(Array<double>({2, 3}, Order::fortran).view().stride(1), 2);
}

template <std::size_t alignment>
struct alignas(alignment) Aligned {
  double value = 0;
};

template <std::size_t alignment>
void expect_aligned_elements() {
  std::vector<Array<Aligned<alignment>>> arrays;
  for (std::size_t count = 1; count != 40; ++count) {
    arrays.emplace_back(Shape{count});
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arrays.back().data()) % alignment, 0u);
  }
}

TEST(Array, HoldsElementsOfAnyAlignment) {
  expect_aligned_elements<8>();
  expect_aligned_elements<128>();
  expect_aligned_elements<256>();
  expect_aligned_elements<4096>();
}

TEST(Array, IsMadeOfContainersAndViews) {
  EXPECT_EQ(Array<int>(Ints{1, 2, 3})(2), 3);
  EXPECT_EQ(Array<std::size_t>(std::vector<std::size_t>{5, 6}).shape(), Shape{2});
  const Array<int> array = counted_ints({2, 3});
  const Array<int> packed(array.transpose());
  EXPECT_EQ(packed.shape(), (Shape{3, 2}));
  EXPECT_EQ(Ints(packed.data(), packed.data() + 6), (Ints{0, 3, 1, 4, 2, 5}));
  const Array<int> reversed(array[{.step = -1}].slice(1, {.step = -2}));
  EXPECT_EQ(Ints(reversed.begin(), reversed.end()), (Ints{5, 3, 2, 0}));
}

TEST(Array, IsSharedByItsCopies) {
  Array<int> array = counted_ints({2, 3});
  Array<int> shared = array;
  shared(0, 0) = 9;
  EXPECT_EQ(array.at(0, 0), 9);
  Array<int> other = array.copy();
  other(0, 0) = 1;
  EXPECT_EQ(array(0, 0), 9);
  EXPECT_EQ(array.reshape({6}).data(), std::as_const(array).data());
  EXPECT_THROW(array.reshape({7}), std::invalid_argument);
}

TEST(Array, GivesViewsAndSpans) {
  Array<int> array = counted_ints({2, 3});
  EXPECT_EQ(sum_of_view(array), 15);
  EXPECT_EQ(sum_of_span(array), 15);
  EXPECT_EQ(array.row(1)[1], 4);
  fill(array.view()[{.stop = 1}]);
  EXPECT_EQ(sum_of_view(array), 33);
  EXPECT_EQ(delayed<sum_of_span>(array)(), 33);
  EXPECT_EQ(delayed<sum_of_view>(array[{.start = 1}])(), 12);
}

TEST(Array, IsNoLargeCopyForATask) {
  const Array<char> large({std::size_t{2} << 20});
  auto task = delayed([](const Array<char>& a) { return a.size(); }, large);
  EXPECT_EQ(std::move(task)(), large.size());
  EXPECT_EQ(delayed<sum_of_array>(counted_ints({3}))(), 3);
}

TEST(Array, TakesAListInBracketsForASlice) {
  Array<int> array(std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  EXPECT_EQ(array[{-9}].size(), 9u);
  EXPECT_EQ(std::as_const(array).view()[{-9}](0), 1);
  EXPECT_EQ(array[{2}].size(), 8u);
  EXPECT_EQ(array[2], 2);
}

TEST(Array, RefusesChangesOnceFrozen) {
  Array<int> array = counted_ints({2});
  Array<int> shared = array;
  array.freeze();
  EXPECT_TRUE(shared.is_frozen());
  EXPECT_THROW(shared(0) = 1, std::logic_error);
  EXPECT_THROW(shared.data(), std::logic_error);
  EXPECT_EQ(sum_of_view(std::as_const(shared)), 1);
  EXPECT_NO_THROW(shared.copy().data());
}

TEST(Array, RefusesChangesOfReadOnlyMemory) {
  const auto memory = std::make_shared<int>(4);
  Array<int> array(detail::adopt_memory(memory, memory.get(), sizeof(int), false), {1}, Order::c);
  EXPECT_FALSE(array.is_writable());
  EXPECT_THROW(array.view(), std::logic_error);
  EXPECT_EQ(std::as_const(array)(0), 4);
}

}  // namespace
}  // namespace paracord
