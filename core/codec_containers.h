#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "paracord/core/argument.h"
#include "paracord/core/codec_base.h"
#include "paracord/core/huge_pages.h"

/// Codecs of containers, by what they can do, so that those of other libraries are served too; and
/// of views.
namespace paracord {

namespace detail {

/// Elements can be inserted at the end: vector, deque, list, set, map, string, …
template <class C>
concept Growing = !is_view<C> && std::is_default_constructible_v<C> &&
                  requires(C & container, const C& constant, typename C::value_type value) {
  constant.begin();
  constant.end();
  { constant.size() } -> std::convertible_to<std::size_t>;
  container.insert(container.end(), std::move(value));
};

template <class C>
concept Contiguous = Growing<C> && is_flat<typename C::value_type> && requires(C& container) {
  { container.data() } -> std::convertible_to<const typename C::value_type*>;
  container.resize(std::size_t{});
};

/// The element as it is made before it is inserted: a map's key is not const yet.
template <class T>
struct Element {
  using Type = T;
};
template <class K, class V>
struct Element<std::pair<const K, V>> {
  using Type = std::pair<K, V>;
};
template <class C>
using ElementOf = typename Element<typename C::value_type>::Type;

template <class T>
std::size_t decode_count(Decoder& in) {
  const auto count = static_cast<std::size_t>(in.get<std::uint64_t>());
  if (!std::is_empty_v<T> && count > in.left()) refuse_message("it promises more than it holds");
  return count;
}

}  // namespace detail

template <detail::Contiguous C>
struct Codec<C> {
  using T = typename C::value_type;
  static void encode(Encoder& out, const C& values) {
    out.contents(values.data(), values.size() * sizeof(T));
  }
  static C decode(Decoder& in) {
    const Decoder::Memory bytes = in.contents();
    if (bytes.bytes % sizeof(T) != 0) detail::refuse_message("a container has half an element");
    if constexpr (std::is_constructible_v<C, const char*, std::size_t>) {
      return C(static_cast<const char*>(bytes.data), bytes.bytes);
    } else {
      C values;
      fill(values, bytes);
      return values;
    }
  }

 private:
  static void fill(C& values, const Decoder::Memory& bytes) {
    const std::size_t count = bytes.bytes / sizeof(T);
    if constexpr (requires { values.reserve(count); }) {
      values.reserve(count);
      detail::prefer_huge_pages(values.data(), bytes.bytes);
    }
    if constexpr (requires(const T* first) { values.assign(first, first); }) {
      if (reinterpret_cast<std::uintptr_t>(bytes.data) % alignof(T) == 0) {
        const T* first = static_cast<const T*>(bytes.data);
        values.assign(first, first + count);
        return;
      }
    }
    values.resize(count);
    if (bytes.bytes != 0) std::memcpy(values.data(), bytes.data, bytes.bytes);
  }
};

template <detail::Growing C>
requires(!detail::Contiguous<C> && detail::is_encodable<detail::ElementOf<C>>) struct Codec<C> {
  using T = detail::ElementOf<C>;
  static void encode(Encoder& out, const C& values) {
    out.put(static_cast<std::uint64_t>(values.size()));
    for (const auto& value : values) {
      if constexpr (std::is_same_v<typename C::value_type, bool>) {
        out.put(static_cast<bool>(value));
      } else if constexpr (std::is_same_v<T, typename C::value_type>) {
        detail::encode(out, value);
      } else {
        detail::encode(out, value.first);
        detail::encode(out, value.second);
      }
    }
  }
  static C decode(Decoder& in) {
    C values;
    for (std::size_t left = detail::decode_count<T>(in); left != 0; --left)
      values.insert(values.end(), detail::decode<T>(in));
    return values;
  }
};

template <class T, std::size_t count>
requires(detail::is_encodable<T> &&
         !detail::is_flat<std::array<T, count>>) struct Codec<std::array<T, count>> {
  static void encode(Encoder& out, const std::array<T, count>& values) {
    for (const T& value : values) detail::encode(out, value);
  }
  static std::array<T, count> decode(Decoder& in) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::array<T, count>{((void)i, detail::decode<T>(in))...};
    }
    (std::make_index_sequence<count>());
  }
};

template <class A, class B>
requires(detail::is_encodable<A>&& detail::is_encodable<B>) struct Codec<std::pair<A, B>> {
  static void encode(Encoder& out, const std::pair<A, B>& pair) {
    detail::encode(out, pair.first);
    detail::encode(out, pair.second);
  }
  static std::pair<A, B> decode(Decoder& in) {
    return std::pair<A, B>{detail::decode<A>(in), detail::decode<B>(in)};
  }
};

template <class... T>
requires(detail::is_encodable<T>&&...) struct Codec<std::tuple<T...>> {
  static void encode(Encoder& out, const std::tuple<T...>& values) {
    std::apply([&](const T&... value) { (detail::encode(out, value), ...); }, values);
  }
  static std::tuple<T...> decode([[maybe_unused]] Decoder& in) {
    return std::tuple<T...>{detail::decode<T>(in)...};
  }
};

template <class T, std::size_t extent>
requires detail::is_flat<std::remove_const_t<T>>
struct Codec<std::span<T, extent>> {
  static constexpr MemoryAccess access =
      std::is_const_v<T> ? MemoryAccess::read_only : MemoryAccess::read_write;
  static void encode(Encoder& out, const std::span<T, extent>& view) {
    out.memory(view.data(), view.size_bytes(), access);
  }
  static std::span<T, extent> decode(Decoder& in) {
    const Decoder::Memory memory = in.memory(access);
    const std::size_t size = memory.bytes / sizeof(T);
    if (memory.bytes % sizeof(T) != 0 || (extent != std::dynamic_extent && extent != size))
      detail::refuse_message("a span has another size");
    return std::span<T, extent>(static_cast<T*>(memory.data), size);
  }
};

template <class C>
struct Codec<std::basic_string_view<C>> {
  static void encode(Encoder& out, const std::basic_string_view<C>& view) {
    out.memory(view.data(), view.size() * sizeof(C), MemoryAccess::read_only);
  }
  static std::basic_string_view<C> decode(Decoder& in) {
    const Decoder::Memory memory = in.memory(MemoryAccess::read_only);
    return {static_cast<const C*>(memory.data), memory.bytes / sizeof(C)};
  }
};

}  // namespace paracord
