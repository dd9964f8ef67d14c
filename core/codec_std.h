#pragma once

#include <bitset>
#include <chrono>
#include <forward_list>
#include <memory>
#include <optional>
#include <type_traits>
#include <variant>

#include "paracord/core/codec_containers.h"

/// Codecs of the standard's other types: optional, variant, pointers that own, times, bit sets,
/// paths.
namespace paracord {

template <class T>
struct Codec<std::optional<T>> {
  using Parts = detail::PartList<T>;
  static void encode(Encoder& out, const std::optional<T>& value) {
    out.put(value.has_value());
    if (value) detail::encode(out, *value);
  }
  static std::optional<T> decode(Decoder& in) {
    if (in.get<unsigned char>() == 0) return std::nullopt;
    return std::optional<T>(detail::decode<std::remove_const_t<T>>(in));
  }
};

template <class... T>
struct Codec<std::variant<T...>> {
  using Parts = detail::PartList<T...>;
  using Variant = std::variant<T...>;
  static void encode(Encoder& out, const Variant& value) {
    if (value.valueless_by_exception())
      detail::refuse_to_encode("a std::variant without a value cannot travel; give it one");
    out.put(static_cast<std::uint32_t>(value.index()));
    std::visit([&](const auto& held) { detail::encode(out, held); }, value);
  }
  static Variant decode(Decoder& in) {
    const auto index = in.get<std::uint32_t>();
    if (index >= sizeof...(T)) detail::refuse_message("a variant has an unknown alternative");
    return alternative<0>(in, index);
  }

 private:
  template <std::size_t at>
  static Variant alternative(Decoder& in, std::size_t index) {
    if constexpr (at + 1 < sizeof...(T)) {
      if (index != at) return alternative<at + 1>(in, index);
    }
    using Held = std::variant_alternative_t<at, Variant>;
    return Variant(std::in_place_index<at>, detail::decode<std::remove_const_t<Held>>(in));
  }
};

namespace detail {
/// Of classes with virtual functions: see core/cereal.h.
template <class P>
concept OwningPointer = (std::is_same_v<P, std::unique_ptr<typename P::element_type>> ||
                         std::is_same_v<P, std::shared_ptr<typename P::element_type>>)&&  //
                        is_complete<typename P::element_type> &&
                        !std::is_array_v<typename P::element_type> &&
                        !std::is_polymorphic_v<typename P::element_type>;
}  // namespace detail

/// Pointers that own: null, or the object. Two that share an object own one each at the other end.
template <detail::OwningPointer P>
struct Codec<P> {
  using T = std::remove_const_t<typename P::element_type>;
  using Parts = detail::PartList<T>;
  static void encode(Encoder& out, const P& pointer) {
    out.put(pointer != nullptr);
    if (pointer == nullptr) return;
    const Encoder::Deeper deeper(out);
    detail::encode(out, static_cast<const T&>(*pointer));
  }
  static P decode(Decoder& in) {
    if (in.get<unsigned char>() == 0) return nullptr;
    const Decoder::Deeper deeper(in);
    return P(new T(detail::decode<T>(in)));
  }
};

template <class R, class Period>
struct Codec<std::chrono::duration<R, Period>> {
  using Duration = std::chrono::duration<R, Period>;
  using Parts = detail::PartList<R>;
  static void encode(Encoder& out, const Duration& value) { detail::encode(out, value.count()); }
  static Duration decode(Decoder& in) { return Duration(detail::decode<R>(in)); }
};
template <class Clock, class Duration>
struct Codec<std::chrono::time_point<Clock, Duration>> {
  using Time = std::chrono::time_point<Clock, Duration>;
  using Parts = detail::PartList<Duration>;
  static void encode(Encoder& out, const Time& value) {
    detail::encode(out, value.time_since_epoch());
  }
  static Time decode(Decoder& in) { return Time(detail::decode<Duration>(in)); }
};

template <std::size_t size>
struct Codec<std::bitset<size>> {
  using Parts = detail::PartList<>;
  static void encode(Encoder& out, const std::bitset<size>& bits) {
    for (std::size_t i = 0; i != size; ++i) out.put(bits[i]);
  }
  static std::bitset<size> decode(Decoder& in) {
    std::bitset<size> bits;
    for (std::size_t i = 0; i != size; ++i) bits[i] = in.get<unsigned char>() != 0;
    return bits;
  }
};

template <class T>
struct Codec<std::forward_list<T>> {
  using Parts = detail::PartList<T>;
  static void encode(Encoder& out, const std::forward_list<T>& values) {
    detail::encode_elements(out, values,
                            static_cast<std::size_t>(std::distance(values.begin(), values.end())));
  }
  static std::forward_list<T> decode(Decoder& in) {
    std::forward_list<T> values;
    auto last = values.before_begin();
    const Decoder::Deeper deeper(in);
    auto count = detail::ElementCount::read<T>(in);
    while (count.next()) last = values.insert_after(last, detail::decode<T>(in));
    return values;
  }
};

namespace detail {
/// std::filesystem::path, without its header.
template <class T>
concept Path = is_called<T>("std::filesystem::__cxx11::path") || is_called<T>(
    "std::filesystem::path") || is_called<T>("std::__fs::filesystem::path") ||
    is_called<T>("std::__1::__fs::filesystem::path") || is_called<T>("boost::filesystem::path");
}  // namespace detail
template <detail::Path T>
struct Codec<T> {
  using Parts = detail::PartList<>;
  static void encode(Encoder& out, const T& path) { detail::encode(out, path.native()); }
  static T decode(Decoder& in) { return T(detail::decode<typename T::string_type>(in)); }
};

}  // namespace paracord
