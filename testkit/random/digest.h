#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <forward_list>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "paracord/memmap/array.h"
#include "paracord/testkit/random/draw.h"

/// Values as one number, by their contents: those that compare equal have the same one, whatever
/// the order of an unordered container; others differ but for one in 2⁶⁴. Apart from
/// paracord::hash, which is under test, too.
namespace paracord::testkit::random {

template <class T>
std::uint64_t digest(const T& value);

namespace detail {

inline std::uint64_t digest_bytes(const void* data, std::size_t bytes, std::uint64_t seed) {
  const auto* at = static_cast<const unsigned char*>(data);
  std::uint64_t all = mix(bytes, seed);
  for (; bytes >= 8; bytes -= 8, at += 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, 8);
    all = (all ^ word) * 0x9fb21c651e98df25u;
    all ^= all >> 29;
  }
  std::uint64_t rest = 0;
  if (bytes != 0) std::memcpy(&rest, at, bytes);  // what is empty may lie nowhere
  return mix(all, rest);
}

template <class R>
std::uint64_t digest_in_order(const R& range) {
  std::uint64_t all = 17, count = 0;
  for (const auto& element : range) {
    all = mix(all, digest(element));
    ++count;
  }
  return mix(all, count);
}

template <class R>
std::uint64_t digest_in_any_order(const R& range) {
  std::uint64_t sum = 0, count = 0;
  for (const auto& element : range) {
    sum += digest(element);
    ++count;
  }
  return mix(sum, count);
}

template <class T>
concept Unordered = requires {
  typename T::hasher;
};
template <class T>
concept HasDigest = requires(const T& value) {
  { value.digest() } -> std::same_as<std::uint64_t>;
};
template <class T>
concept Numeric = std::is_arithmetic_v<T> || std::is_enum_v<T>;
template <class T>
concept Bytes = Numeric<T> && !std::same_as<T, long double> && !std::same_as<T, bool>;
template <class T>
concept Pointer = requires(const T& value) {
  typename T::element_type;
  *value;
  value == nullptr;
};
template <class T>
concept ManyDimensions = requires(const T& value) {
  value.shape();
  value.data();
  value.begin();
};
template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
}
&&!std::ranges::range<T>;

template <class... T>
std::uint64_t digest_variant(const std::variant<T...>& value) {
  return mix(value.index(), std::visit([](const auto& held) { return digest(held); }, value));
}

}  // namespace detail

template <class T>
std::uint64_t digest(const T& value) {
  using namespace detail;
  if constexpr (HasDigest<T>) {
    return value.digest();
  } else if constexpr (std::same_as<T, bool>) {
    return value ? 5 : 7;
  } else if constexpr (std::same_as<T, std::monostate>) {
    return 3;
  } else if constexpr (requires { value.imag(); }) {
    return mix(digest(value.real()), digest(value.imag()));
  } else if constexpr (requires { value.time_since_epoch(); }) {
    return digest(value.time_since_epoch().count());
  } else if constexpr (requires { typename T::period; }) {
    return digest(value.count());
  } else if constexpr (requires { value.to_ullong(); }) {
    return digest(value.to_string());
  } else if constexpr (std::same_as<T, long double>) {
    const auto high = static_cast<double>(value);
    return mix(digest(high), digest(static_cast<double>(value - static_cast<long double>(high))));
  } else if constexpr (Numeric<T>) {
    return digest_bytes(&value, sizeof value, 11);
  } else if constexpr (requires { std::variant_size<T>::value; }) {
    return digest_variant(value);
  } else if constexpr (ManyDimensions<T>) {
    std::uint64_t all = digest_in_order(value.shape());
    for (const auto& element : value) all = mix(all, digest(element));
    return all;
  } else if constexpr (std::ranges::contiguous_range<const T>) {
    using Element = std::remove_cv_t<std::ranges::range_value_t<const T>>;
    if constexpr (Bytes<Element>) {
      return digest_bytes(std::ranges::data(value),
                          static_cast<std::size_t>(std::ranges::size(value)) * sizeof(Element), 13);
    } else {
      return digest_in_order(value);
    }
  } else if constexpr (Unordered<T>) {
    return digest_in_any_order(value);
  } else if constexpr (std::ranges::range<const T>) {
    return digest_in_order(value);
  } else if constexpr (TupleLike<T>) {
    return std::apply(
        [](const auto&... parts) {
          std::uint64_t all = 19;
          ((all = mix(all, digest(parts))), ...);
          return all;
        },
        value);
  } else if constexpr (requires {
                         value.has_value();
                         *value;
                       }) {
    return value.has_value() ? mix(23, digest(*value)) : 29;
  } else {
    static_assert(Pointer<T>, "the generator of random calls has no digest for this type");
    return value == nullptr ? 31 : mix(37, digest(*value));
  }
}

}  // namespace paracord::testkit::random
