#pragma once

#include <array>
#include <cstddef>
#include <iterator>

#include "paracord/memmap/layout.h"

namespace paracord::detail {

/// Goes through the elements in C order, wherever they lie. The layout outlives it.
template <class T>
class ArrayIterator {
 public:
  using value_type = std::remove_const_t<T>;
  using difference_type = std::ptrdiff_t;
  using reference = T&;
  using pointer = T*;
  using iterator_category = std::forward_iterator_tag;

  ArrayIterator() = default;
  ArrayIterator(T* first, const ArrayLayout& layout, std::size_t position)
      : first_(first), layout_(&layout), position_(position) {}

  T& operator*() const { return first_[distance_]; }
  T* operator->() const { return first_ + distance_; }
  ArrayIterator& operator++() {
    ++position_;
    for (std::size_t axis = layout_->shape.size(); axis-- != 0;) {
      distance_ += layout_->strides[axis];
      if (++indexes_[axis] != layout_->shape[axis]) break;
      distance_ -= static_cast<std::ptrdiff_t>(layout_->shape[axis]) * layout_->strides[axis];
      indexes_[axis] = 0;
    }
    return *this;
  }
  ArrayIterator operator++(int) {
    ArrayIterator before = *this;
    ++*this;
    return before;
  }
  bool operator==(const ArrayIterator& other) const { return position_ == other.position_; }

 private:
  T* first_ = nullptr;
  const ArrayLayout* layout_ = nullptr;
  std::size_t position_ = 0;
  std::ptrdiff_t distance_ = 0;
  std::array<std::size_t, max_dimensions> indexes_{};
};

}  // namespace paracord::detail
