#include "paracord/memmap/shape.h"

#include <limits>
#include <stdexcept>

namespace paracord {

Shape::Shape(std::span<const std::size_t> lengths) : count_(lengths.size()) {
  if (lengths.size() > max_dimensions) {
    throw std::invalid_argument("an array of " + std::to_string(lengths.size()) +
                                " dimensions was asked for; the most is " +
                                std::to_string(max_dimensions) + ": join some of them");
  }
  std::copy(lengths.begin(), lengths.end(), lengths_.begin());
}

namespace detail {

std::string to_string(const Shape& shape) {
  std::string text = "(";
  for (std::size_t axis = 0; axis != shape.size(); ++axis) {
    if (axis != 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + (shape.size() == 1 ? ",)" : ")");
}

std::size_t count_elements(const Shape& shape, std::size_t element_bytes) {
  // Distances in memory are signed.
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::ptrdiff_t>::max());
  std::size_t count = 1;
  for (const std::size_t length : shape) {
    if (length == 0) return 0;
  }
  for (const std::size_t length : shape) {
    if (length > most / element_bytes / count) {
      throw std::length_error("an array of shape " + to_string(shape) + " with elements of " +
                              std::to_string(element_bytes) +
                              " bytes is larger than any memory; is a length wrong?");
    }
    count *= length;
  }
  return count;
}

}  // namespace detail
}  // namespace paracord
