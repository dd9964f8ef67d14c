#pragma once

#include <cstddef>
#include <initializer_list>

#include "paracord/memmap/shape.h"

/// Shapes of other libraries' matrices and tensors: what eigen.h and xtensor.h share.
namespace paracord::detail {

/// Throws std::invalid_argument where an array does not have one or two dimensions.
void check_matrix_shape(const Shape& shape);

/// Throws SerializationError where a message's dimensions are too many, or not as `wanted`
/// (negative: any number).
void check_dimensions(std::size_t dimensions, long wanted);

/// Throws SerializationError where the elements of a message are not those of its shape, or where a
/// length is not the one that the type has. `wanted` has a negative number for any length.
void check_received(const Shape& shape, std::initializer_list<long> wanted,
                    std::size_t element_bytes, std::size_t bytes);

}  // namespace paracord::detail
