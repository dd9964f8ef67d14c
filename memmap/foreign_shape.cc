#include "paracord/memmap/foreign_shape.h"

#include <stdexcept>

#include "paracord/core/encoder.h"

namespace paracord::detail {

void check_matrix_shape(const Shape& shape) {
  if (shape.size() == 1 || shape.size() == 2) return;
  throw std::invalid_argument("an array of shape " + to_string(shape) +
                              " is no matrix; take a row() or reshape() it to two dimensions");
}

void check_dimensions(std::size_t dimensions, long wanted) {
  if (dimensions > max_dimensions ||
      (wanted >= 0 && dimensions != static_cast<std::size_t>(wanted)))
    refuse_message("a tensor in it has another number of dimensions than the type that is read");
}

void check_received(const Shape& shape, std::initializer_list<long> wanted,
                    std::size_t element_bytes, std::size_t bytes) {
  std::size_t axis = 0;
  for (const long length : wanted) {
    if (length >= 0 && shape[axis] != static_cast<std::size_t>(length)) {
      refuse_message("a matrix in it has another shape than the type that is read");
    }
    ++axis;
  }
  bool empty = false;
  for (const std::size_t length : shape) empty = empty || length == 0;
  std::size_t expected = empty ? 0 : element_bytes;
  for (const std::size_t length : shape) {
    if (!empty && __builtin_mul_overflow(expected, length, &expected)) {
      refuse_message("a matrix in it is too large");
    }
  }
  if (expected != bytes) refuse_message("a matrix in it has another size than its elements");
}

}  // namespace paracord::detail
