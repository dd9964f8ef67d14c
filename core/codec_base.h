#pragma once

#include <concepts>
#include <type_traits>
#include <utility>

#include "paracord/core/codec_flat.h"
#include "paracord/core/codec_serialize.h"
#include "paracord/core/encoder.h"

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
/// classes with a cereal-style `serialize`, or `save` and `load`. A specialisation of your own
/// comes before all of these. Views (std::span, string_view) look, at the other end, at memory that
/// lives as long as the task.
///
/// Errors: both throw SerializationError; what they throw of their own passes on.
template <class T>
struct Codec;

namespace detail {

/// A function object without state, a tag: it travels as nothing.
template <class T>
concept Stateless =
    std::is_empty_v<T> && std::is_default_constructible_v<T> && !std::is_polymorphic_v<T>;

/// Whether a T can be made of its decoded members: in one go, or, with C arrays, one by one.
template <class T>
concept Assembled = Reflected<T> &&
    (!Fields<T>::has_array || (std::is_default_constructible_v<T> && !Fields<T>::has_const));

template <class T, class... Within>
constexpr bool can_encode();
template <class... Part, class... Within>
constexpr bool can_encode_all(PartList<Part...>, PartList<Within...>) {
  return (can_encode<std::remove_cv_t<Part>, Within...>() && ...);
}
/// Types may hold themselves, by a pointer or a container: while its parts are looked at, a type
/// counts as one that can travel.
template <class T, class... Within>
constexpr bool can_encode() {
  if constexpr ((std::is_same_v<T, Within> || ...)) {
    return true;
  } else if constexpr (!is_complete<T> || std::is_reference_v<T>) {
    return false;
  } else if constexpr (std::is_array_v<T>) {
    return can_encode<std::remove_extent_t<T>, Within...>();
  } else if constexpr (OwnCodec<T> || is_flat<T>) {
    return true;
  } else if constexpr (HasParts<T>) {
    return can_encode_all(typename Codec<T>::Parts(), PartList<T, Within...>());
  } else if constexpr (Serializable<T> || Stateless<T>) {
    return true;
  } else if constexpr (Assembled<T>) {
    return Fields<T>::with(
        []<class... Field>() { return (can_encode<Field, T, Within...>() && ...); });
  } else {
    return false;
  }
}

/// Whether values of T can travel.
template <class T>
inline constexpr bool is_encodable = can_encode<T>();

template <class T>
void encode(Encoder& out, const T& value) {
  static_assert(is_encodable<T>, "paracord: this type has no codec; specialise paracord::Codec");
  if constexpr (!is_encodable<T>) {
  } else if constexpr (std::is_array_v<T>) {
    for (const auto& element : value) encode(out, element);
  } else if constexpr (OwnCodec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (Serializable<T> && !HasParts<T>) {
    OutputArchive archive(out);
    save_serializable(archive, value);
  } else if constexpr (is_flat<T>) {
    out.put(value);
  } else if constexpr (HasCodec<T>) {
    Codec<T>::encode(out, value);
  } else if constexpr (!Stateless<T>) {
    static_assert(Assembled<T>);
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
T decode_serializable(Decoder& in) {
  T value;
  InputArchive archive(in);
  load_serializable(archive, value);
  return value;
}

template <class T>
T decode_fields(Decoder& in) {
  static_assert(Assembled<T>);
  if constexpr (Fields<T>::has_array) {
    T value{};
    visit_fields(value, [&in](auto&... field) { (decode_into(in, field), ...); });
    return value;
  } else {
    return Fields<T>::with([&in]<class... Field>() { return T{decode<Field>(in)...}; });
  }
}

template <class T>
T decode_flat(Decoder& in) {
  if constexpr (holds_bool<T>()) {
    alignas(T) std::byte room[sizeof(T)];
    in.read(room, sizeof(T));
    if (!bools_hold(*reinterpret_cast<const T*>(room)))
      refuse_message("a bool in it is neither true nor false");
    return *reinterpret_cast<const T*>(room);
  } else {
    return in.get<T>();
  }
}

template <class T>
T decode(Decoder& in) {
  static_assert(is_encodable<T>, "paracord: this type has no codec; specialise paracord::Codec");
  if constexpr (!is_encodable<T> || std::is_array_v<T>) {
    static_assert(!std::is_array_v<T>, "paracord: a C array is decoded with what it is in");
    refuse_message("it has no codec");
  } else if constexpr (OwnCodec<T>) {
    return Codec<T>::decode(in);
  } else if constexpr (Serializable<T> && !HasParts<T>) {
    return decode_serializable<T>(in);
  } else if constexpr (std::is_same_v<T, bool>) {
    return in.get<unsigned char>() != 0;
  } else if constexpr (is_flat<T>) {
    return decode_flat<T>(in);
  } else if constexpr (HasCodec<T>) {
    return Codec<T>::decode(in);
  } else if constexpr (Stateless<T>) {
    return T{};
  } else {
    return decode_fields<T>(in);
  }
}

}  // namespace detail
}  // namespace paracord
