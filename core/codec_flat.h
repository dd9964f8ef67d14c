#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <type_traits>
#include <utility>

#include "paracord/core/codec_aggregate.h"

/// Values that are their bytes.
namespace paracord::detail {

template <class T>
constexpr bool has_own_codec() {
  if constexpr (std::is_class_v<T> || std::is_enum_v<T> || std::is_union_v<T>) return OwnCodec<T>;
  return false;
}

/// Numbers, enums, and arrays and aggregates of such; `alone`: none of them has a codec of its own.
template <class T, bool alone>
struct FlatBytes : std::bool_constant<std::is_arithmetic_v<T> ||
                                      (std::is_enum_v<T> && !(alone && has_own_codec<T>()))> {};
template <class T, std::size_t count, bool alone>
struct FlatBytes<T[count], alone> : FlatBytes<T, alone> {};
template <ComplexNumber T, bool alone>
struct FlatBytes<T, alone> : std::bool_constant<FlatBytes<typename T::value_type, alone>::value &&
                                                !(alone && has_own_codec<T>())> {};
template <class T, std::size_t count, bool alone>
struct FlatBytes<std::array<T, count>, alone>
    : std::bool_constant<FlatBytes<T, alone>::value &&
                         !(alone && has_own_codec<std::array<T, count>>())> {};

template <class T>
struct Flat : FlatBytes<T, true> {};
template <class T>
struct FlatInMemory : FlatBytes<T, false> {};

template <class T, bool alone>
requires(std::is_trivially_copyable_v<T> && !ComplexNumber<T> && Reflected<T>)  //
    struct FlatBytes<T, alone>
    : std::bool_constant<(alone ? Fields<T>::template all<Flat>::value
                                : Fields<T>::template all<FlatInMemory>::value) &&
                         !(alone && has_own_codec<T>())> {
};

/// They travel as their bytes.
template <class T>
inline constexpr bool is_flat = Flat<T>::value;
/// Memory of such can be looked at from elsewhere: by views, whatever codecs their elements have.
template <class T>
inline constexpr bool is_flat_memory = FlatInMemory<T>::value;

/// Whether a bool is in it: then not all bytes are values.
template <class T>
constexpr bool holds_bool() {
  if constexpr (std::is_array_v<T>) {
    return holds_bool<std::remove_extent_t<T>>();
  } else if constexpr (Reflected<T>) {
    return Fields<T>::with([]<class... Field>() { return (holds_bool<Field>() || ...); });
  } else if constexpr (TupleLike<T> && requires { typename T::value_type; }) {
    return holds_bool<typename T::value_type>();
  } else {
    return std::is_same_v<T, bool>;
  }
}

/// Whether all bools in a value that came from elsewhere are 0 or 1.
template <class T>
bool bools_hold(const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    return *reinterpret_cast<const unsigned char*>(&value) <= 1;
  } else if constexpr (!holds_bool<T>()) {
    return true;
  } else if constexpr (Reflected<T>) {
    return visit_fields(value, [](const auto&... field) { return (bools_hold(field) && ...); });
  } else {
    for (const auto& element : value) {
      if (!bools_hold(element)) return false;
    }
    return true;
  }
}
template <class T>
bool bools_hold(const T* first, std::size_t count) {
  if constexpr (std::is_same_v<T, bool>) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(first);
    unsigned char all = 0;
    for (std::size_t i = 0; i != count; ++i) all |= bytes[i];
    return all <= 1;
  } else if constexpr (holds_bool<T>()) {
    for (std::size_t i = 0; i != count; ++i) {
      if (!bools_hold(first[i])) return false;
    }
  }
  return true;
}

/// Iterates over elements that begin at any address. Through it a container takes them in one pass:
/// a resize() before a copy would be another one.
template <class T>
struct UnalignedElements {
  using iterator_category = std::random_access_iterator_tag;
  using value_type = T;
  using difference_type = std::ptrdiff_t;
  using pointer = const T*;
  using reference = T;
  T operator*() const {
    std::array<std::byte, sizeof(T)> bytes;
    std::memcpy(bytes.data(), at, sizeof(T));
    return std::bit_cast<T>(bytes);
  }
  UnalignedElements& operator++() { return *this += 1; }
  UnalignedElements& operator--() { return *this += -1; }
  UnalignedElements& operator+=(std::ptrdiff_t count) {
    at += count * static_cast<std::ptrdiff_t>(sizeof(T));
    return *this;
  }
  UnalignedElements operator+(std::ptrdiff_t count) const {
    UnalignedElements further = *this;
    return further += count;
  }
  std::ptrdiff_t operator-(const UnalignedElements& other) const {
    return (at - other.at) / static_cast<std::ptrdiff_t>(sizeof(T));
  }
  UnalignedElements operator++(int) { return std::exchange(*this, *this + 1); }
  bool operator==(const UnalignedElements& other) const = default;
  const std::byte* at;
};

}  // namespace paracord::detail
