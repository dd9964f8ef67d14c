#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>

#include "paracord/memmap/array_view.h"
#include "paracord/memmap/buffer.h"

namespace paracord {

/// An n-dimensional array without gaps, in C or Fortran order, on the heap, in shared memory or in
/// a mapped file. Copies share the elements, as std::shared_ptr and NumPy's names do; copy() makes
/// others. Slices are ArrayViews, which borrow.
///
/// One made inside a task of a worker process lies in shared memory: returned, it costs no copy.
///
/// Threads: copies may be used from any; the elements are the users' business.
/// Errors: std::logic_error where elements could be changed in memory that was frozen, or mapped
///   read-only: by non-const access. To read, what was mapped read-only is open all the same to
///   a[i], views and spans; the system ends a program that writes through those.
template <class T>
requires std::is_trivially_copyable_v<T> && std::same_as<T, std::remove_cv_t<T>>
class Array {
  static_assert(alignof(T) <= 4096,
                "paracord: elements of an Array are aligned to a page (4096 bytes) at the most");

 public:
  using value_type = T;

  Array() : Array(Shape{0}) {}
  /// Zeros.
  explicit Array(const Shape& shape, Order order = Order::c) : Array(uninitialized(shape, order)) {
    std::fill_n(first(), size(), T{});
  }
  /// A copy of what a std::vector, std::span, … holds, in one dimension.
  template <std::ranges::contiguous_range R>
  requires(std::same_as<std::remove_cv_t<std::ranges::range_value_t<R>>, T> &&
           !std::same_as<std::remove_cvref_t<R>, Shape>) explicit Array(const R& range)
      : Array(uninitialized(Shape{std::ranges::size(range)})) {
    std::copy_n(std::ranges::data(range), size(), first());
  }
  /// A copy of what a view looks at, in C order.
  template <class U>
  requires std::same_as<std::remove_const_t<U>, T>
  explicit Array(const ArrayView<U>& view) : Array(uninitialized(view.shape())) {
    detail::pack(buffer_->data, view.data(), view.layout(), sizeof(T));
  }
  /// Elements with unspecified values, for one who writes them all.
  static Array uninitialized(const Shape& shape, Order order = Order::c) {
    return Array(detail::allocate_buffer(detail::count_elements(shape, sizeof(T)) * sizeof(T)),
                 shape, order);
  }
  /// What lies at the beginning of a buffer that is large enough. (For those who map memory.)
  Array(std::shared_ptr<detail::Buffer> buffer, const Shape& shape, Order order)
      : buffer_(std::move(buffer)),
        layout_(detail::make_layout(shape, order)),
        size_(detail::count_elements(shape, sizeof(T))) {}

  const Shape& shape() const { return layout_.shape; }
  std::size_t ndim() const { return layout_.shape.size(); }
  std::size_t size() const { return size_; }
  std::size_t bytes() const { return size_ * sizeof(T); }
  bool empty() const { return size_ == 0; }
  bool is_contiguous(Order order) const { return detail::is_contiguous(layout_, order); }
  /// Whether non-const access works.
  bool is_writable() const { return buffer_->writable && !buffer_->frozen; }

  const T* data() const { return first(); }
  T* data() {
    if (!is_writable()) detail::check_writable(*buffer_);
    return first();
  }
  ArrayView<const T> view() const { return {data(), layout_}; }
  ArrayView<T> view() { return {accessible(), layout_}; }
  std::span<const T> as_span() const { return {data(), size_}; }  ///< as they lie in memory
  std::span<T> as_span() { return {accessible(), size_}; }
  operator ArrayView<const T>() const { return view(); }  // NOLINT: it borrows, as std::span does
  operator ArrayView<T>() { return view(); }              // NOLINT
  operator std::span<const T>() const { return as_span(); }  // NOLINT
  operator std::span<T>() { return as_span(); }              // NOLINT

  /// As in ArrayView. Non-const access asks each time whether it is allowed: take a view for loops.
  template <std::convertible_to<std::size_t>... I>
  const T& operator()(I... indexes) const {
    return view()(indexes...);
  }
  template <std::convertible_to<std::size_t>... I>
  T& operator()(I... indexes) {
    return ArrayView<T>(data(), layout_)(indexes...);
  }
  template <std::convertible_to<std::size_t>... I>
  const T& at(I... indexes) const {
    return view().at(indexes...);
  }
  template <std::convertible_to<std::size_t>... I>
  T& at(I... indexes) {
    return ArrayView<T>(data(), layout_).at(indexes...);
  }
  // Templates: `a[{-9}]` means a slice.
  template <std::convertible_to<std::size_t> I>
  const T& operator[](I index) const {
    return data()[static_cast<std::size_t>(index)];
  }
  template <std::convertible_to<std::size_t> I>
  T& operator[](I index) {
    return accessible()[static_cast<std::size_t>(index)];
  }
  // To read; for views to write through, take them of view().
  ArrayView<const T> operator[](const Slice& slice) const& { return view()[slice]; }
  void operator[](const Slice& slice) && = delete;  // the view would outlive the array
  ArrayView<const T> row(std::size_t index) const& { return view().row(index); }
  void row(std::size_t index) && = delete;
  ArrayView<const T> transpose() const& { return view().transpose(); }
  void transpose() && = delete;
  /// The same elements in another shape: shared, not copied.
  Array reshape(const Shape& shape) const {
    (void)detail::reshape(layout_, shape);
    return Array(buffer_, shape, Order::c);
  }

  /// In C order, whatever the order in memory.
  detail::ArrayIterator<const T> begin() const { return {data(), layout_, 0}; }
  detail::ArrayIterator<const T> end() const { return {data(), layout_, size_}; }

  /// Promises that the elements, of all copies that share them, never change again; views that
  /// exist must not write either. Calls on other processes then store them once in all (in shared
  /// memory, for as long as they live) in place of once each.
  void freeze() { detail::freeze(buffer_); }
  bool is_frozen() const { return buffer_->frozen; }
  /// Waits until what was written to a mapped file is on the disk.
  void flush() const { buffer_->flush(); }
  /// New elements on the heap or in shared memory, in the same order.
  Array copy() const {
    Array made(detail::allocate_buffer(bytes()), shape(),
               is_contiguous(Order::c) ? Order::c : Order::fortran);
    std::copy_n(data(), size_, made.first());
    return made;
  }
  const std::shared_ptr<detail::Buffer>& buffer() const { return buffer_; }
  const detail::ArrayLayout& layout() const { return layout_; }

 private:
  // What was mapped read-only is guarded by the system.
  T* accessible() const {
    if (!is_writable() && !buffer_->guarded) detail::check_writable(*buffer_);
    return first();
  }
  T* first() const { return reinterpret_cast<T*>(buffer_->data); }

  std::shared_ptr<detail::Buffer> buffer_;
  detail::ArrayLayout layout_;
  std::size_t size_;
};

template <class T>
inline constexpr bool shares_elements<Array<T>> = true;

}  // namespace paracord
