#pragma once

#include <array>
#include <cstddef>

#include "paracord/memmap/shape.h"
#include "paracord/memmap/slice.h"

/// Where the elements of an array lie, seen from its first one. What the templates of ArrayView
/// and Array hand over to compiled code.
namespace paracord::detail {

struct ArrayLayout {
  Shape shape;
  std::array<std::ptrdiff_t, max_dimensions> strides{};  ///< in elements

  bool operator==(const ArrayLayout& other) const;
};

/// Elements without gaps.
ArrayLayout make_layout(const Shape& shape, Order order);
bool is_contiguous(const ArrayLayout& layout, Order order);

/// The distance from the first element to the one with these indexes. Throws std::out_of_range
/// where an index is too large, or the number of them is not that of the dimensions.
std::ptrdiff_t checked_distance(const ArrayLayout& layout, const Shape& indexes);

/// A part of an array, or another way to see it; `first` is the distance to its first element.
struct Part {
  ArrayLayout layout;
  std::ptrdiff_t first = 0;
};
/// Only the indexes of the slice along one axis. Throws std::out_of_range for an axis that is not.
Part slice(const ArrayLayout& layout, std::size_t axis, const Slice& slice);
/// One index of the first axis, which is there no more.
Part row(const ArrayLayout& layout, std::size_t index);
/// The axes in reverse.
ArrayLayout transpose(const ArrayLayout& layout);
/// The same elements, read in C order, in another shape. Throws std::invalid_argument where their
/// number differs, or where they do not lie in C order without gaps.
ArrayLayout reshape(const ArrayLayout& layout, const Shape& shape);

/// The distances of the lowest and to behind the highest element; equal where there is none.
struct Extent {
  std::ptrdiff_t lowest = 0, behind = 0;
};
Extent extent_of(const ArrayLayout& layout);

[[noreturn]] void refuse_span(const ArrayLayout& layout);

/// Copies all elements in C order to `to`, where they lie without gaps.
void pack(std::byte* to, const void* first, const ArrayLayout& layout, std::size_t element_bytes);

}  // namespace paracord::detail
