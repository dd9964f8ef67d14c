#pragma once

#include <concepts>
#include <cstddef>
#include <ranges>
#include <span>
#include <type_traits>

#include "paracord/core/argument.h"
#include "paracord/memmap/array_iterator.h"
#include "paracord/memmap/layout.h"

namespace paracord {

/// Looks at an n-dimensional array that somebody else owns: a pointer, a shape and strides.
/// `ArrayView<const T>` only reads. As a parameter of a task it says what the task may do: a const
/// view of a large or mapped array is mapped read-only in the worker; what is written through a
/// mutable view of a mapped file reaches the file, and with it the caller.
///
/// Threads: as for the elements; a view itself is a value.
/// Errors: indexes are checked by at(), row(), slices and reshape(), not by operator().
/// Why not std::mdspan: it is not in C++20, and has neither slices nor a place in messages.
template <class T>
class ArrayView {
 public:
  using element_type = T;
  using value_type = std::remove_const_t<T>;

  ArrayView() = default;
  ArrayView(T* data, const detail::ArrayLayout& layout) : data_(data), layout_(layout) {}
  /// Elements without gaps.
  ArrayView(T* data, const Shape& shape, Order order = Order::c)
      : data_(data), layout_(detail::make_layout(shape, order)) {}
  /// A view that only reads.
  template <class U>
  requires(std::same_as<const U, T>) ArrayView(const ArrayView<U>& other)  // NOLINT: a safe view
      : data_(other.data()), layout_(other.layout()) {}
  /// All of a std::vector, std::span, …, in one dimension.
  template <std::ranges::contiguous_range R>
  requires(std::ranges::borrowed_range<R>&& std::convertible_to<
           std::remove_reference_t<std::ranges::range_reference_t<R>> (*)[], T (*)[]>)
      ArrayView(R&& range)  // NOLINT: it borrows, as std::span does
      : ArrayView(std::ranges::data(range), Shape{std::ranges::size(range)}) {}

  T* data() const {
    return data_;
  }  ///< the first element; those before it exist with reversed axes
  const Shape& shape() const { return layout_.shape; }
  std::size_t ndim() const { return layout_.shape.size(); }
  std::size_t size() const { return detail::count_elements(layout_.shape); }
  bool empty() const { return size() == 0; }
  std::ptrdiff_t stride(std::size_t axis) const { return layout_.strides[axis]; }  ///< in elements
  const detail::ArrayLayout& layout() const { return layout_; }
  bool is_contiguous(Order order) const { return detail::is_contiguous(layout_, order); }
  bool is_contiguous() const { return is_contiguous(Order::c) || is_contiguous(Order::fortran); }

  /// One index for each dimension, not checked.
  template <std::convertible_to<std::size_t>... I>
  T& operator()(I... indexes) const {
    std::ptrdiff_t distance = 0;
    [[maybe_unused]] std::size_t axis = 0;
    ((distance += static_cast<std::ptrdiff_t>(indexes) * layout_.strides[axis++]), ...);
    return data_[distance];
  }
  /// The same, checked: std::out_of_range.
  template <std::convertible_to<std::size_t>... I>
  T& at(I... indexes) const {
    return data_[detail::checked_distance(layout_, {static_cast<std::size_t>(indexes)...})];
  }
  /// Of a one-dimensional view; not checked.
  template <std::convertible_to<std::size_t> I>
  T& operator[](I index) const {
    return (*this)(index);
  }

  /// Some of the first axis, or of another.
  ArrayView operator[](const Slice& slice) const { return this->slice(0, slice); }
  ArrayView slice(std::size_t axis, const Slice& slice) const {
    return part(detail::slice(layout_, axis, slice));
  }
  /// One index of the first axis: a view with a dimension less.
  ArrayView row(std::size_t index) const { return part(detail::row(layout_, index)); }
  ArrayView transpose() const { return {data_, detail::transpose(layout_)}; }
  /// The same elements in another shape; refused where they have gaps.
  ArrayView reshape(const Shape& shape) const { return {data_, detail::reshape(layout_, shape)}; }

  /// The elements as they lie in memory; std::invalid_argument where there are gaps.
  std::span<T> as_span() const {
    if (!is_contiguous()) detail::refuse_span(layout_);
    return {data_, size()};
  }
  operator std::span<T>() const { return as_span(); }  // NOLINT: no copy, no loss
  operator std::span<const T>() const requires(!std::is_const_v<T>) { return as_span(); }  // NOLINT

  /// In C order, whatever the order in memory. The view outlives its iterators.
  detail::ArrayIterator<T> begin() const { return {data_, layout_, 0}; }
  detail::ArrayIterator<T> end() const { return {data_, layout_, size()}; }

 private:
  ArrayView part(const detail::Part& part) const { return {data_ + part.first, part.layout}; }

  T* data_ = nullptr;
  detail::ArrayLayout layout_{Shape{0}, {1}};
};

template <class T>
inline constexpr bool is_view<ArrayView<T>> = true;

}  // namespace paracord
