#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "paracord/memmap/shape.h"

/// NumPy's file format .npy: a magic text, a version, a header that says type, order and shape,
/// then the elements. Source: numpy.lib.format.
namespace paracord::detail {

/// A type of elements: NumPy's kind ('b' bool, 'i' signed, 'u' unsigned, 'f' floating, 'c' complex)
/// and its bytes.
struct NpyType {
  char kind;
  std::uint8_t bytes;
  bool operator==(const NpyType&) const = default;
};
/// As NumPy names it: "float64".
std::string to_string(const NpyType& type);

/// A type of C++ as one of NumPy's, or {} where there is none.
template <class T>
constexpr NpyType npy_type_of() {
  const auto bytes = static_cast<std::uint8_t>(sizeof(T));
  if constexpr (std::is_same_v<T, bool>) return {'b', 1};
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return {std::is_signed_v<T> ? 'i' : 'u', bytes};
  }
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>) return {'f', bytes};
  if constexpr (std::is_same_v<T, std::complex<float>> || std::is_same_v<T, std::complex<double>>) {
    return {'c', bytes};
  }
  return {};
}
template <class T>
concept NpyElement = npy_type_of<T>()
.bytes != 0;

struct NpyHeader {
  NpyType type{};
  bool swapped = false;  ///< the bytes of each number stand the other way round than here
  Order order = Order::c;
  Shape shape;
  std::uint64_t data_offset = 0;  ///< of the first element in the file

  std::uint64_t data_bytes() const;
};

/// What write_npy_header() makes begins its data at a multiple of this.
inline constexpr std::size_t npy_alignment = 64;

/// The most of a file that is its header, so that nobody reads gigabytes for one.
inline constexpr std::size_t most_npy_header = std::size_t{1} << 20;

/// How many bytes of the file parse_npy_header() needs, told from its first 12 (or all it has).
/// Throws std::runtime_error, as the next, saying what is wrong with the file `name`.
std::size_t npy_header_bytes(std::span<const std::byte> start, const std::string& name);
/// Strict: what NumPy does not write is refused, and so are types that Paracord does not know
/// (structures, objects, text, dates, float16, long double).
NpyHeader parse_npy_header(std::span<const std::byte> start, const std::string& name);

/// Everything that stands before the elements, in this machine's byte order.
std::string write_npy_header(const NpyType& type, const Shape& shape, Order order);

/// Turns the bytes of each number round: of both halves of a complex one.
void swap_bytes(void* data, std::size_t bytes, const NpyType& type);

}  // namespace paracord::detail
