#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <forward_list>
#include <optional>
#include <span>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

#include "paracord/core/codec.h"
#include "paracord/memmap/array_codec.h"

/// Kinds of types, where texts and digests of them differ.
namespace paracord::detail {

template <class C>
concept Keyed = KnownContainer<C> && requires {
  typename C::key_type;
};
template <class C>
concept Unordered = Keyed<C> && requires {
  typename C::hasher;
};
template <class C>
concept Mapping = Keyed<C> && requires {
  typename C::mapped_type;
};
template <class T>
inline constexpr bool is_string_view = false;
template <class C>
inline constexpr bool is_string_view<std::basic_string_view<C>> = true;
template <class C>
concept Text = is_string_view<C> ||(KnownContainer<C>&& requires(const C& text) {
  typename C::traits_type;
  text.find_first_of(text);
});
template <class T>
inline constexpr bool is_forward_list = false;
template <class T>
inline constexpr bool is_forward_list<std::forward_list<T>> = true;
template <class C>
concept Sequence = KnownContainer<C> || is_forward_list<C>;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t count>
inline constexpr bool is_std_array<std::array<T, count>> = true;
template <class T>
inline constexpr bool is_parts = false;
template <class... T>
inline constexpr bool is_parts<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_parts<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class R, class Period>
inline constexpr bool is_duration<std::chrono::duration<R, Period>> = true;
template <class T>
inline constexpr bool is_time_point = false;
template <class Clock, class D>
inline constexpr bool is_time_point<std::chrono::time_point<Clock, D>> = true;
template <class T>
inline constexpr bool is_bitset = false;
template <std::size_t size>
inline constexpr bool is_bitset<std::bitset<size>> = true;
template <class T>
inline constexpr bool is_array_class = false;
template <class T>
inline constexpr bool is_array_class<Array<T>> = true;
template <class T>
inline constexpr bool is_array_class<ArrayView<T>> = true;
template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t extent>
inline constexpr bool is_span<std::span<T, extent>> = true;

}  // namespace paracord::detail
