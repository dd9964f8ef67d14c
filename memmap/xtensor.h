#pragma once

/// xtensor's containers and Paracord's arrays. For those who have xtensor: this header needs it,
/// and nothing else here does.
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xtensor.hpp>

#include <cstddef>
#include <vector>

#include "paracord/memmap/array_codec.h"
#include "paracord/memmap/foreign_shape.h"

namespace paracord {

/// Looks at the elements of a view, whatever its strides: no copy.
template <class T>
auto as_xtensor(const ArrayView<T>& view) {
  const std::vector<std::size_t> shape(view.shape().begin(), view.shape().end());
  std::vector<std::ptrdiff_t> strides(shape.size());
  for (std::size_t axis = 0; axis != shape.size(); ++axis) {
    // xtensor wants no stride where there is only one index.
    strides[axis] = shape[axis] == 1 ? 0 : view.stride(axis);
  }
  // The size is what xtensor expects of the shape; it finds elements by the strides alone.
  return xt::adapt(view.data(), view.size(), xt::no_ownership(), shape, strides);
}
template <class T>
auto as_xtensor(const Array<T>& array) {
  return as_xtensor(array.view());
}
template <class T>
auto as_xtensor(Array<T>& array) {
  return as_xtensor(array.view());
}
template <class T>
void as_xtensor(const Array<T>&&) = delete;  // the view would outlive the array

/// A copy of a container or an expression, in C order.
template <class E>
auto to_array(const xt::xexpression<E>& expression) {
  const E& from = expression.derived_cast();
  using T = typename E::value_type;
  const std::vector<std::size_t> shape(from.shape().begin(), from.shape().end());
  auto array = Array<T>::uninitialized(Shape(std::span(shape)));
  std::copy(from.template begin<xt::layout_type::row_major>(),
            from.template end<xt::layout_type::row_major>(), array.data());
  return array;
}

namespace detail {

/// Containers of xtensor that own their elements, in C or Fortran order.
template <class X>
inline constexpr bool is_xtensor = false;
template <class T, xt::layout_type L>
inline constexpr bool is_xtensor<xt::xarray<T, L>> = L != xt::layout_type::dynamic;
template <class T, std::size_t N, xt::layout_type L>
inline constexpr bool is_xtensor<xt::xtensor<T, N, L>> = L != xt::layout_type::dynamic;

}  // namespace detail

/// They travel by value.
template <class X>
requires detail::is_xtensor<X> && detail::ArrayElement<typename X::value_type>
struct Codec<X> {
  static constexpr bool shows_elements = true;
  using T = typename X::value_type;
  static void encode(Encoder& out, const X& tensor) {
    out.put(static_cast<std::uint8_t>(Shape(lengths(tensor)).size()));
    for (const std::size_t length : tensor.shape()) out.put(std::uint64_t{length});
    out.contents(tensor.data(), tensor.size() * sizeof(T));
  }
  static X decode(Decoder& in) {
    const auto dimensions = in.get<std::uint8_t>();
    X tensor;
    detail::check_dimensions(dimensions, fixed_dimensions(tensor));
    auto shape = xtl::make_sequence<typename X::shape_type>(dimensions, std::size_t{0});
    for (std::size_t& length : shape) length = static_cast<std::size_t>(in.get<std::uint64_t>());
    const auto got = in.contents();
    detail::check_received(Shape(std::span<const std::size_t>(shape.data(), shape.size())), {},
                           sizeof(T), got.bytes);
    tensor.resize(shape);
    if (got.bytes != 0) std::memcpy(tensor.data(), got.data, got.bytes);
    return tensor;
  }

 private:
  static std::span<const std::size_t> lengths(const X& tensor) {
    return {tensor.shape().data(), tensor.shape().size()};
  }
  template <class U, xt::layout_type L>
  static constexpr long fixed_dimensions(const xt::xarray<U, L>&) {
    return -1;
  }
  template <class U, std::size_t N, xt::layout_type L>
  static constexpr long fixed_dimensions(const xt::xtensor<U, N, L>&) {
    return static_cast<long>(N);
  }
};

}  // namespace paracord
