#pragma once

#include <concepts>
#include <string>
#include <type_traits>
#include <utility>

#include "paracord/core/codec_aggregate.h"
#include "paracord/core/encoder.h"
#include "paracord/core/print_argument.h"

namespace paracord {

/// How values of T become bytes and come back. Specialise it for third-party types:
///
///   template <>
///   struct paracord::Codec<Date> {
///     static void encode(paracord::Encoder& out, const Date& date);
///     static Date decode(paracord::Decoder& in);
///   };
///
/// There are codecs for arithmetic types, enums, strings, the standard's containers, pointers that
/// own, optional, variant, tuple; for aggregates of up to 24 members that have codecs; and for
/// classes with a cereal-style `serialize`, or `save` and `load`. Views (std::span, string_view)
/// look, at the other end, at memory that lives as long as the task.
///
/// Errors: both throw SerializationError; what they throw of their own passes on.
template <class T>
struct Codec;

namespace detail {

template <class T>
concept HasCodec = requires(Encoder& out, Decoder& in, const T& value) {
  Codec<T>::encode(out, value);
  { Codec<T>::decode(in) } -> std::same_as<T>;
};

/// A function object without state, a tag: it travels as nothing.
template <class T>
concept Stateless =
    std::is_empty_v<T> && std::is_default_constructible_v<T> && !std::is_polymorphic_v<T>;

template <class T>
struct Encodable : std::bool_constant<is_flat<T> || HasCodec<T> || Stateless<T>> {};
template <class T>
requires(!is_flat<T> && !HasCodec<T> && !Stateless<T> && Reflected<T> &&
         std::is_default_constructible_v<T>) struct Encodable<T>
    : Fields<T>::template all<Encodable> {
};
template <class T, std::size_t count>
struct Encodable<T[count]> : Encodable<T> {};

/// Whether values of T can travel.
template <class T>
inline constexpr bool is_encodable = Encodable<T>::value;

template <class T>
void encode(Encoder& out, const T& value) {
  static_assert(is_encodable<T>, "paracord: this type has no codec; specialise paracord::Codec");
  if constexpr (HasCodec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (is_flat<T>) {
    out.put(value);
  } else if constexpr (std::is_array_v<T>) {
    for (const auto& element : value) encode(out, element);
  } else if constexpr (!Stateless<T>) {
    visit_fields(value, [&out](const auto&... field) { (encode(out, field), ...); });
  }
}

template <class T>
T decode(Decoder& in);

/// The same, over an object that is there.
template <class T>
void decode_into(Decoder& in, T& value) {
  if constexpr (std::is_array_v<T>) {
    for (auto& element : value) decode_into(in, element);
  } else {
    value = decode<T>(in);
  }
}

template <class T>
T decode(Decoder& in) {
  static_assert(is_encodable<T>, "paracord: this type has no codec; specialise paracord::Codec");
  if constexpr (HasCodec<T>) {
    return Codec<T>::decode(in);
  } else if constexpr (std::is_same_v<T, bool>) {
    return in.get<unsigned char>() != 0;
  } else if constexpr (is_flat<T>) {
    return in.get<T>();
  } else {
    T value{};
    if constexpr (!Stateless<T>)
      visit_fields(value, [&in](auto&... field) { (decode_into(in, field), ...); });
    return value;
  }
}

/// What stands in the way, down to the innermost type, and what to write instead.
template <class T>
std::string why_not_encodable() {
  const std::string name = type_name<T>();
  if constexpr (is_encodable<T>) {
    return {};
  } else if constexpr (std::is_pointer_v<T>) {
    return "a " + name + " points at memory of this process; pass the value itself, a container, " +
           "or a std::span";
  } else if constexpr (requires {
                         typename T::value_type;
                         requires !is_encodable<typename T::value_type>;
                       }) {
    return "in a " + name + ": " + why_not_encodable<typename T::value_type>();
  } else if constexpr (Reflected<T>) {
    std::string why;
    Fields<T>::each([&]<class Field>() {
      if (why.empty()) why = why_not_encodable<Field>();
    });
    return "in a " + name + ": " + (why.empty() ? "it cannot be made by default" : why);
  } else if constexpr (requires {
                         typename T::element_type;
                         requires std::is_polymorphic_v<typename T::element_type>;
                       }) {
    return "a " + name + " may point at any derived class; include paracord/core/cereal.h and " +
           "register them with CEREAL_REGISTER_TYPE";
  } else {
    return "a " + name + " has no codec; give it a `serialize(Archive&)`, or specialise " +
           "paracord::Codec for it";
  }
}

}  // namespace detail
}  // namespace paracord
