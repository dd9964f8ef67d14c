#include "paracord/memmap/layout.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <string>

namespace paracord::detail {

bool ArrayLayout::operator==(const ArrayLayout& other) const {
  return shape == other.shape &&
         std::equal(strides.begin(), strides.begin() + shape.size(), other.strides.begin());
}

ArrayLayout make_layout(const Shape& shape, Order order) {
  ArrayLayout layout{shape, {}};
  std::ptrdiff_t stride = 1;
  // Of an empty array the strides mean nothing, and could be too large to multiply.
  const bool empty = count_elements(shape) == 0;
  for (std::size_t i = 0; i != shape.size(); ++i) {
    const std::size_t axis = order == Order::c ? shape.size() - 1 - i : i;
    layout.strides[axis] = stride;
    if (!empty) stride *= static_cast<std::ptrdiff_t>(shape[axis]);
  }
  return layout;
}

bool is_contiguous(const ArrayLayout& layout, Order order) {
  if (std::count(layout.shape.begin(), layout.shape.end(), std::size_t{0}) != 0) return true;
  const ArrayLayout wanted = make_layout(layout.shape, order);
  for (std::size_t axis = 0; axis != layout.shape.size(); ++axis) {
    if (layout.shape[axis] != 1 && layout.strides[axis] != wanted.strides[axis]) return false;
  }
  return true;
}

std::ptrdiff_t checked_distance(const ArrayLayout& layout, const Shape& indexes) {
  bool inside = indexes.size() == layout.shape.size();
  std::ptrdiff_t distance = 0;
  for (std::size_t axis = 0; inside && axis != indexes.size(); ++axis) {
    inside = indexes[axis] < layout.shape[axis];
    distance += static_cast<std::ptrdiff_t>(indexes[axis]) * layout.strides[axis];
  }
  if (inside) return distance;
  throw std::out_of_range("the index " + to_string(indexes) + " is not in an array of shape " +
                          to_string(layout.shape));
}

static void check_axis(const ArrayLayout& layout, std::size_t axis) {
  if (axis < layout.shape.size()) return;
  throw std::out_of_range("axis " + std::to_string(axis) + " is not in an array of shape " +
                          to_string(layout.shape) + "; the first is 0");
}

Part slice(const ArrayLayout& layout, std::size_t axis, const Slice& slice) {
  check_axis(layout, axis);
  const Indexes indexes = resolve(slice, layout.shape[axis]);
  Part part{layout, 0};
  part.layout.shape[axis] = indexes.count;
  // With one element or none the steps mean nothing, and could be too large to multiply.
  if (indexes.count > 1) part.layout.strides[axis] *= indexes.step;
  if (indexes.count != 0) part.first = indexes.start * layout.strides[axis];
  return part;
}

Part row(const ArrayLayout& layout, std::size_t index) {
  check_axis(layout, 0);
  if (index >= layout.shape[0]) {
    throw std::out_of_range("row " + std::to_string(index) + " is not in an array of shape " +
                            to_string(layout.shape));
  }
  Part part;
  part.layout.shape = Shape(std::span(layout.shape.begin() + 1, layout.shape.end()));
  std::copy(layout.strides.begin() + 1, layout.strides.end(), part.layout.strides.begin());
  part.first = static_cast<std::ptrdiff_t>(index) * layout.strides[0];
  return part;
}

ArrayLayout transpose(const ArrayLayout& layout) {
  ArrayLayout reversed = layout;
  const std::size_t count = layout.shape.size();
  for (std::size_t axis = 0; axis != count; ++axis) {
    reversed.shape[axis] = layout.shape[count - 1 - axis];
    reversed.strides[axis] = layout.strides[count - 1 - axis];
  }
  return reversed;
}

ArrayLayout reshape(const ArrayLayout& layout, const Shape& shape) {
  if (count_elements(shape) != count_elements(layout.shape)) {
    throw std::invalid_argument("an array of shape " + to_string(layout.shape) +
                                " cannot be seen as one of shape " + to_string(shape) +
                                ": it has another number of elements");
  }
  if (!is_contiguous(layout, Order::c)) {
    throw std::invalid_argument("a view of shape " + to_string(layout.shape) +
                                " cannot be reshaped, as its elements do not lie in C order "
                                "without gaps; reshape a copy of it");
  }
  return make_layout(shape, Order::c);
}

Extent extent_of(const ArrayLayout& layout) {
  if (count_elements(layout.shape) == 0) return {};
  Extent extent{0, 1};
  for (std::size_t axis = 0; axis != layout.shape.size(); ++axis) {
    const auto reach = static_cast<std::ptrdiff_t>(layout.shape[axis] - 1) * layout.strides[axis];
    (reach < 0 ? extent.lowest : extent.behind) += reach;
  }
  return extent;
}

void refuse_span(const ArrayLayout& layout) {
  throw std::invalid_argument("a view of shape " + to_string(layout.shape) +
                              " has gaps in memory and is no std::span; take rows of it, or a copy "
                              "(paracord::Array<T>(view))");
}

// Goes down the axes; the last is copied here.
static std::byte* pack_axis(std::byte* to, const std::byte* from, const ArrayLayout& layout,
                            std::size_t axis, std::size_t element_bytes) {
  if (axis == layout.shape.size()) {
    std::memcpy(to, from, element_bytes);
    return to + element_bytes;
  }
  const std::size_t length = layout.shape[axis];
  const std::ptrdiff_t stride = layout.strides[axis] * static_cast<std::ptrdiff_t>(element_bytes);
  if (axis + 1 == layout.shape.size() && layout.strides[axis] == 1) {
    std::memcpy(to, from, length * element_bytes);
    return to + length * element_bytes;
  }
  for (std::size_t i = 0; i != length; ++i) {
    to = pack_axis(to, from + static_cast<std::ptrdiff_t>(i) * stride, layout, axis + 1,
                   element_bytes);
  }
  return to;
}

void pack(std::byte* to, const void* first, const ArrayLayout& layout, std::size_t element_bytes) {
  if (count_elements(layout.shape) == 0) return;
  pack_axis(to, static_cast<const std::byte*>(first), layout, 0, element_bytes);
}

}  // namespace paracord::detail
