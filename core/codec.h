#pragma once

#include <array>
#include <concepts>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "paracord/core/encoder.h"
#include "paracord/core/print_argument.h"

namespace paracord {

/// How values of T become bytes and come back. Specialise it for third-party types:
///
///   template <> struct paracord::Codec<Date> {
///     static void encode(Encoder& out, const Date& date);
///     static Date decode(Decoder& in);
///   };
template <class T>
struct Codec;

namespace detail {

template <class T>
inline constexpr bool flat = std::is_arithmetic_v<T> || std::is_enum_v<T>;

template <class T>
concept HasCodec = requires(Encoder& out, Decoder& in, const T& value) {
  Codec<T>::encode(out, value);
  { Codec<T>::decode(in) } -> std::same_as<T>;
};

template <class T>
inline constexpr bool is_encodable = flat<T> || HasCodec<T> ||
                                     (std::is_empty_v<T> && std::is_default_constructible_v<T>);

template <class T>
void encode(Encoder& out, const T& value) {
  if constexpr (HasCodec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (flat<T>) {
    out.put(value);
  }
}

template <class T>
T decode(Decoder& in) {
  if constexpr (HasCodec<T>) {
    return Codec<T>::decode(in);
  } else if constexpr (flat<T>) {
    return in.get<T>();
  } else {
    return T{};
  }
}

template <class T>
std::string why_not_encodable() {
  return "a " + type_name<T>() + " has no codec; specialise paracord::Codec for it";
}

}  // namespace detail

template <>
struct Codec<std::string> {
  static void encode(Encoder& out, const std::string& s) { out.contents(s.data(), s.size()); }
  static std::string decode(Decoder& in) {
    const auto m = in.contents();
    return std::string(static_cast<const char*>(m.data), m.bytes);
  }
};
template <class T>
requires detail::flat<T> &&(!std::is_same_v<T, bool>)struct Codec<std::vector<T>> {
  static void encode(Encoder& out, const std::vector<T>& s) {
    out.contents(s.data(), s.size() * sizeof(T));
  }
  static std::vector<T> decode(Decoder& in) {
    const auto m = in.contents();
    std::vector<T> v(m.bytes / sizeof(T));
    if (m.bytes) std::memcpy(v.data(), m.data, v.size() * sizeof(T));
    return v;
  }
};
template <class T>
requires detail::flat<std::remove_const_t<T>>
struct Codec<std::span<T>> {
  static constexpr auto access =
      std::is_const_v<T> ? MemoryAccess::read_only : MemoryAccess::read_write;
  static void encode(Encoder& out, const std::span<T>& s) {
    out.memory(s.data(), s.size_bytes(), access);
  }
  static std::span<T> decode(Decoder& in) {
    const auto m = in.memory(access);
    return {static_cast<T*>(m.data), m.bytes / sizeof(T)};
  }
};

}  // namespace paracord
