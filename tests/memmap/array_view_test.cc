#include "paracord/memmap/array_view.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace paracord {
namespace {

static_assert(std::is_trivially_copyable_v<ArrayView<double>>);
static_assert(is_view<ArrayView<const int>>);
static_assert(std::is_convertible_v<ArrayView<int>, ArrayView<const int>>);
static_assert(!std::is_convertible_v<ArrayView<const int>, ArrayView<int>>);
static_assert(!std::is_convertible_v<ArrayView<const int>, std::span<int>>);
static_assert(!std::is_constructible_v<ArrayView<const int>, std::vector<int>>, "it would dangle");
static_assert(std::forward_iterator<detail::ArrayIterator<int>>);

using Ints = std::vector<int>;

template <class T>
Ints read(const ArrayView<T>& view) {
  return Ints(view.begin(), view.end());
}

class View : public testing::Test {
 protected:
  Ints memory_ = [] {
    Ints values(6);
    std::iota(values.begin(), values.end(), 0);
    return values;
  }();
  ArrayView<int> view_{memory_.data(), {2, 3}};
};

TEST_F(View, FindsElements) {
  EXPECT_EQ(view_(1, 2), 5);
  EXPECT_EQ(view_.at(1, 0), 3);
  view_(0, 1) = 9;
  EXPECT_EQ(memory_[1], 9);
  EXPECT_THROW(view_.at(2, 0), std::out_of_range);
  EXPECT_THROW(view_.at(1), std::out_of_range);
  const ArrayView<int> fortran(memory_.data(), {2, 3}, Order::fortran);
  EXPECT_EQ(fortran(1, 2), 5);
  EXPECT_EQ(fortran(1, 0), 9);
}

TEST_F(View, SlicesWithoutCopies) {
  EXPECT_EQ(read(view_[{.start = 1}]), (Ints{3, 4, 5}));
  EXPECT_EQ(read(view_.slice(1, {.step = 2})), (Ints{0, 2, 3, 5}));
  EXPECT_EQ(read(view_[{.step = -1}]), (Ints{3, 4, 5, 0, 1, 2}));
  EXPECT_EQ(read(view_.slice(1, {.step = -1}).slice(1, {.start = 1})), (Ints{1, 0, 4, 3}));
  EXPECT_EQ(read(view_.slice(1, {5, 9})), Ints{});
  EXPECT_THROW(view_.slice(2, Slice::all), std::out_of_range);
}

TEST_F(View, HasRowsAndATranspose) {
  EXPECT_EQ(read(view_.row(1)), (Ints{3, 4, 5}));
  EXPECT_EQ(view_.row(1)[2], 5);
  EXPECT_EQ(view_.row(1).row(2).size(), 1u);
  EXPECT_EQ(read(view_.transpose()), (Ints{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(view_.transpose().shape(), (Shape{3, 2}));
  EXPECT_THROW(view_.row(2), std::out_of_range);
}

TEST_F(View, ReshapesWhatHasNoGaps) {
  EXPECT_EQ(view_.reshape({3, 2})(2, 0), 4);
  EXPECT_THROW(view_.reshape({4}), std::invalid_argument);
  EXPECT_THROW(view_.transpose().reshape({6}), std::invalid_argument);
}

TEST_F(View, IsASpanWhereItHasNoGaps) {
  const std::span<const int> all = view_;
  EXPECT_EQ(all.size(), 6u);
  EXPECT_TRUE(view_.transpose().is_contiguous());
  EXPECT_FALSE(view_.slice(1, {.step = 2}).is_contiguous());
  EXPECT_TRUE(view_.slice(1, {5, 9}).is_contiguous());
  EXPECT_THROW(view_.slice(1, {.step = 2}).as_span(), std::invalid_argument);
  EXPECT_THROW(view_.row(0)[{.step = -1}].as_span(), std::invalid_argument);
}

TEST_F(View, LooksAtVectors) {
  const ArrayView<const int> view = memory_;
  EXPECT_EQ(read(view), memory_);
  EXPECT_EQ(ArrayView<int>().size(), 0u);
  EXPECT_EQ(read(ArrayView<int>(memory_.data(), Shape{})), Ints{0});
}

TEST(Shape, HasABound) {
  EXPECT_THROW(Shape({1, 2, 3, 4, 5, 6, 7, 8, 9}), std::invalid_argument);
  EXPECT_THROW(detail::count_elements({SIZE_MAX, 2}), std::length_error);
  EXPECT_EQ(detail::count_elements({SIZE_MAX, SIZE_MAX, 0}), 0u);
  EXPECT_EQ(detail::make_layout({SIZE_MAX, SIZE_MAX, 0}, Order::c).shape.size(), 3u);
}

}  // namespace
}  // namespace paracord
