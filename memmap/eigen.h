#pragma once

/// Eigen's matrices and Paracord's arrays. For those who have Eigen 3: this header needs it, and
/// nothing else here does.
#include <Eigen/Core>

#include <cstddef>
#include <type_traits>

#include "paracord/memmap/array_codec.h"
#include "paracord/memmap/foreign_shape.h"

namespace paracord {

namespace detail {

using EigenStride = Eigen::Stride<Eigen::Dynamic, Eigen::Dynamic>;
template <class T>
using EigenMatrix = Eigen::Matrix<std::remove_const_t<T>, Eigen::Dynamic, Eigen::Dynamic>;

}  // namespace detail

/// Looks at the elements of a view of one dimension (a column) or two: no copy.
template <class T>
using EigenView = Eigen::Map<
    std::conditional_t<std::is_const_v<T>, const detail::EigenMatrix<T>, detail::EigenMatrix<T>>,
    Eigen::Unaligned, detail::EigenStride>;
template <class T>
EigenView<T> as_eigen(const ArrayView<T>& view) {
  detail::check_matrix_shape(view.shape());
  const bool column = view.ndim() == 1;
  const auto rows = static_cast<Eigen::Index>(view.shape()[0]);
  const auto columns = column ? 1 : static_cast<Eigen::Index>(view.shape()[1]);
  // Outer first: the distance between columns, then that between rows.
  return {view.data(), rows, columns,
          detail::EigenStride(column ? rows : view.stride(1), view.stride(0))};
}
template <class T>
EigenView<const T> as_eigen(const Array<T>& array) {
  return as_eigen(array.view());
}
template <class T>
EigenView<T> as_eigen(Array<T>& array) {
  return as_eigen(array.view());
}
template <class T>
void as_eigen(const Array<T>&&) = delete;  // the view would outlive the array

/// A copy of a matrix, vector or expression, in two dimensions and in the order of its storage.
template <class Derived>
Array<typename Derived::Scalar> to_array(const Eigen::DenseBase<Derived>& matrix) {
  auto array = Array<typename Derived::Scalar>::uninitialized(
      {static_cast<std::size_t>(matrix.rows()), static_cast<std::size_t>(matrix.cols())},
      Derived::IsRowMajor ? Order::c : Order::fortran);
  as_eigen(array) = matrix;
  return array;
}

/// Dense matrices and arrays of Eigen travel by value.
template <class M>
requires std::is_base_of_v<Eigen::PlainObjectBase<M>, M>
struct Codec<M> {
  static constexpr bool shows_elements = true;
  using Scalar = typename M::Scalar;
  static void encode(Encoder& out, const M& matrix) {
    out.put(static_cast<std::uint64_t>(matrix.rows()));
    out.put(static_cast<std::uint64_t>(matrix.cols()));
    out.contents(matrix.data(), static_cast<std::size_t>(matrix.size()) * sizeof(Scalar));
  }
  static M decode(Decoder& in) {
    const auto rows = static_cast<std::size_t>(in.get<std::uint64_t>());
    const auto columns = static_cast<std::size_t>(in.get<std::uint64_t>());
    const auto got = in.contents();
    detail::check_received({rows, columns}, {M::RowsAtCompileTime, M::ColsAtCompileTime},
                           sizeof(Scalar), got.bytes);
    M matrix;
    matrix.resize(static_cast<Eigen::Index>(rows), static_cast<Eigen::Index>(columns));
    if (got.bytes != 0) std::memcpy(matrix.data(), got.data, got.bytes);
    return matrix;
  }
};

}  // namespace paracord
