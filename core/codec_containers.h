#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "paracord/core/argument.h"
#include "paracord/core/codec_base.h"
#include "paracord/core/copy_bytes.h"
#include "paracord/core/huge_pages.h"

/// Codecs of containers and of views.
namespace paracord {

namespace detail {

/// Elements that are their bytes, in one piece.
template <class C>
concept Contiguous = KnownContainer<C> && is_flat<typename C::value_type> &&
    requires(C& container) {
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

/// Whether a T is a byte at the least, so that a message holds no more of them than bytes. (false:
/// it may be.)
template <class T>
constexpr bool takes_bytes() {
  if constexpr (OwnCodec<T>) {
    return false;
  } else {
    return is_flat<T> || KnownContainer<T>;
  }
}

/// Counts the elements of a container that is read, and refuses a count that cannot be.
class ElementCount {
 public:
  template <class T>
  static ElementCount read(Decoder& in) {
    const auto count = static_cast<std::size_t>(in.get<std::uint64_t>());
    if (takes_bytes<T>() && count > in.left()) refuse_message("it promises more than it holds");
    return ElementCount(in, count);
  }
  std::size_t all() const { return count_; }
  /// Whether there is another one; called before each.
  bool next() {
    if (done_ == count_) return false;
    if (done_++ != 0 && in_.left() == left_ && ++without_bytes_ == most_without_bytes)
      refuse_message("it promises more than it holds");
    left_ = in_.left();
    return true;
  }
  /// Elements that are no bytes say nothing of how many there may be.
  static constexpr std::size_t most_without_bytes = std::size_t{1} << 26;

 private:
  ElementCount(Decoder& in, std::size_t count) : in_(in), count_(count) {}
  Decoder& in_;
  const std::size_t count_;
  std::size_t done_ = 0, left_ = 0, without_bytes_ = 0;
};

template <class C>
void encode_elements(Encoder& out, const C& values, std::size_t count) {
  const Encoder::Deeper deeper(out);
  out.put(static_cast<std::uint64_t>(count));
  const std::size_t start = out.size();
  for (const auto& value : values) {
    if constexpr (std::is_same_v<typename C::value_type, bool>) {
      out.put(static_cast<bool>(value));
    } else if constexpr (std::is_same_v<ElementOf<C>, typename C::value_type>) {
      encode(out, value);
    } else {
      encode(out, value.first);
      encode(out, value.second);
    }
  }
  if (out.size() == start && count >= ElementCount::most_without_bytes)
    refuse_to_encode("a container of " + std::to_string(count) + " elements without bytes is too " +
                     "long to travel; send their number");
}

}  // namespace detail

/// The standard's containers, and those that is_container stands for.
template <detail::KnownContainer C>
struct Codec<C> {
  using T = detail::ElementOf<C>;
  using Parts = detail::PartList<T>;
  static void encode(Encoder& out, const C& values) {
    if constexpr (detail::Contiguous<C>) {
      out.contents(values.data(), values.size() * sizeof(T));
    } else {
      detail::encode_elements(out, values, static_cast<std::size_t>(values.size()));
    }
  }
  static C decode(Decoder& in) {
    if constexpr (std::is_same_v<C, std::string>) {
      const Decoder::Memory text = in.contents();
      return C(static_cast<const char*>(text.data), text.bytes);
    }
    C values;
    if constexpr (detail::Contiguous<C>) {
      const Decoder::Memory bytes = in.contents();
      if (bytes.bytes % sizeof(T) != 0) detail::refuse_message("a container has half an element");
      fill(values, bytes);
      if (!detail::bools_hold(values.data(), values.size()))
        detail::refuse_message("a bool in it is neither true nor false");
    } else {
      const Decoder::Deeper deeper(in);
      auto count = detail::ElementCount::read<T>(in);
      while (count.next()) values.insert(values.end(), detail::decode<T>(in));
      if (static_cast<std::size_t>(values.size()) != count.all())
        detail::refuse_message("a key stands twice where each stands once");
    }
    return values;
  }

 private:
  static void fill(C& values, const Decoder::Memory& bytes) {
    const std::size_t count = bytes.bytes / sizeof(T);
    if constexpr (requires { values.reserve(count); }) {
      values.reserve(count);
      detail::prefer_huge_pages(values.data(), bytes.bytes);
    }
    if constexpr (requires(detail::UnalignedElements<T> first) { values.assign(first, first); }) {
      const detail::UnalignedElements<T> first{static_cast<const std::byte*>(bytes.data)};
      if (reinterpret_cast<std::uintptr_t>(bytes.data) % alignof(T) == 0) {
        const T* aligned = static_cast<const T*>(bytes.data);
        values.assign(aligned, aligned + count);
      } else {
        values.assign(first, first + static_cast<std::ptrdiff_t>(count));
      }
    } else {
      values.resize(count);
      if (bytes.bytes != 0)
        detail::copy_bytes(static_cast<void*>(values.data()), bytes.data, bytes.bytes);
    }
  }
};

template <class T, std::size_t count>
struct Codec<std::array<T, count>> {
  using Parts = detail::PartList<T>;
  static void encode(Encoder& out, const std::array<T, count>& values) {
    for (const T& value : values) detail::encode(out, value);
  }
  static std::array<T, count> decode([[maybe_unused]] Decoder& in) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return std::array<T, count>{((void)i, detail::decode<T>(in))...};
    }
    (std::make_index_sequence<count>());
  }
};

template <class A, class B>
struct Codec<std::pair<A, B>> {
  using Parts = detail::PartList<A, B>;
  static void encode(Encoder& out, const std::pair<A, B>& pair) {
    detail::encode(out, pair.first);
    detail::encode(out, pair.second);
  }
  static std::pair<A, B> decode(Decoder& in) {
    return std::pair<A, B>{detail::decode<std::remove_const_t<A>>(in),
                           detail::decode<std::remove_const_t<B>>(in)};
  }
};

template <class... T>
struct Codec<std::tuple<T...>> {
  using Parts = detail::PartList<T...>;
  static void encode(Encoder& out, const std::tuple<T...>& values) {
    std::apply([&](const T&... value) { (detail::encode(out, value), ...); }, values);
  }
  static std::tuple<T...> decode([[maybe_unused]] Decoder& in) {
    return std::tuple<T...>{detail::decode<std::remove_const_t<T>>(in)...};
  }
};

template <class T, std::size_t extent>
requires detail::is_flat_memory<std::remove_const_t<T>>
struct Codec<std::span<T, extent>> {
  using Parts = detail::PartList<>;
  static constexpr MemoryAccess access =
      std::is_const_v<T> ? MemoryAccess::read_only : MemoryAccess::read_write;
  static void encode(Encoder& out, const std::span<T, extent>& view) {
    out.memory(view.data(), view.size_bytes(), access);
  }
  static std::span<T, extent> decode(Decoder& in) {
    const Decoder::Memory memory =
        in.memory(access, nullptr, alignof(T), detail::written_unit<std::remove_const_t<T>>);
    const std::size_t size = memory.bytes / sizeof(T);
    if (memory.bytes % sizeof(T) != 0 || (extent != std::dynamic_extent && extent != size))
      detail::refuse_message("a span has another size");
    auto* first = static_cast<T*>(memory.data);
    if (memory.foreign && !detail::bools_hold(first, size))
      detail::refuse_message("a bool in it is neither true nor false");
    return std::span<T, extent>(first, size);
  }
};

template <class C>
struct Codec<std::basic_string_view<C>> {
  using Parts = detail::PartList<>;
  static void encode(Encoder& out, const std::basic_string_view<C>& view) {
    out.memory(view.data(), view.size() * sizeof(C), MemoryAccess::read_only);
  }
  static std::basic_string_view<C> decode(Decoder& in) {
    const Decoder::Memory memory = in.memory(MemoryAccess::read_only);
    return {static_cast<const C*>(memory.data), memory.bytes / sizeof(C)};
  }
};

}  // namespace paracord
