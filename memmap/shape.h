#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>

namespace paracord {

/// Which index of an array runs fastest in memory: the last (C), or the first (Fortran).
enum class Order : unsigned char { c, fortran };

/// The most dimensions that an array has here.
inline constexpr std::size_t max_dimensions = 8;

/// The lengths of an array's dimensions. A list of indexes has the same form.
///
/// Errors: std::invalid_argument for more than max_dimensions.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::size_t> lengths)  // NOLINT: `Array<double>({3, 4})`
      : Shape(std::span(lengths.begin(), lengths.size())) {}
  Shape(std::span<const std::size_t> lengths);  // NOLINT: a list of lengths is a shape

  std::size_t size() const { return count_; }  ///< how many dimensions
  std::size_t operator[](std::size_t axis) const { return lengths_[axis]; }
  std::size_t& operator[](std::size_t axis) { return lengths_[axis]; }
  const std::size_t* begin() const { return lengths_.data(); }
  const std::size_t* end() const { return lengths_.data() + count_; }
  bool operator==(const Shape& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

 private:
  std::array<std::size_t, max_dimensions> lengths_{};
  std::size_t count_ = 0;
};

namespace detail {

/// "(3, 4)", as NumPy writes it.
std::string to_string(const Shape& shape);

/// How many elements an array has; throws std::length_error where their bytes cannot be counted.
std::size_t count_elements(const Shape& shape, std::size_t element_bytes = 1);

}  // namespace detail
}  // namespace paracord
