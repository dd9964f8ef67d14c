#pragma once

#include <array>
#include <bitset>
#include <chrono>
#include <complex>
#include <concepts>
#include <cstdint>
#include <memory>
#include <optional>
#include <ranges>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "paracord/memmap/array.h"
#include "paracord/testkit/random/draw.h"

/// Random values of any type of the pool.
namespace paracord::testkit::random {

/// Draws one value, with about so many bytes in the first container that can hold them; the others
/// stay small.
///
/// Threads: one.
class Maker {
 public:
  Maker(std::uint64_t seed, std::size_t bytes) : draw(seed), bytes_(bytes) {}

  /// How many elements of this size the next container gets. One alone gets many: nested deeper,
  /// elements have few of their own.
  std::size_t count(std::size_t element_bytes) {
    if (bytes_ != 0 && depth_ == 0) {
      const std::size_t wanted = std::exchange(bytes_, 0) / std::max<std::size_t>(element_bytes, 1);
      return wanted;
    }
    return static_cast<std::size_t>(draw.below(depth_ < 2 ? 4 : 2));
  }

  /// While one lives, a container's elements are made.
  struct Inside {
    explicit Inside(Maker& maker) : maker(maker) { ++maker.depth_; }
    Inside(const Inside&) = delete;
    ~Inside() { --maker.depth_; }
    Maker& maker;
  };

  Draw draw;

 private:
  std::size_t bytes_;
  int depth_ = 0;
};

template <class T>
T make(Maker& maker);

namespace detail {

template <class T>
concept MakesItself = requires(Maker& maker) {
  { T::make(maker) } -> std::same_as<T>;
};
template <class T>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<Array<T>> = true;
template <class T>
concept Appends = requires(T& container, typename T::value_type value) {
  container.push_back(std::move(value));
};
template <class T>
concept Inserts = requires(T& container, typename T::value_type value) {
  container.insert(std::move(value));
};
template <class T>
concept Prepends = !Appends<T> && requires(T & container, typename T::value_type value) {
  container.push_front(std::move(value));
};

template <class T>
struct Mutable {
  using Type = T;
};
template <class K, class V>
struct Mutable<std::pair<const K, V>> {
  using Type = std::pair<K, V>;
};

template <class T>
T make_number(Draw& draw) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(static_cast<std::int64_t>(draw.bits()) >> 12) / static_cast<T>(4096);
  } else if constexpr (std::same_as<T, bool>) {
    return draw.percent(50);
  } else {
    return static_cast<T>(draw.bits());
  }
}

template <class T>
Array<T> make_array(Maker& maker) {
  const std::size_t count = maker.count(sizeof(T));
  const std::size_t rows = count % 3 == 0 && count != 0 ? 3 : 1;
  const Order order = maker.draw.percent(50) ? Order::c : Order::fortran;
  auto array = rows == 3 ? Array<T>(Shape{rows, count / rows}, order) : Array<T>(Shape{count});
  const Maker::Inside inside(maker);
  T* data = array.data();
  for (std::size_t i = 0; i != array.size(); ++i) data[i] = make<T>(maker);
  return array;
}

template <class T>
T make_container(Maker& maker) {
  using Element = typename Mutable<typename T::value_type>::Type;
  std::size_t count = maker.count(sizeof(Element));
  if constexpr (Inserts<T> && !Appends<T>) count = std::min<std::size_t>(count, 2000);
  // Each of which holds more than its own bytes, and takes time to be made.
  if constexpr (!std::is_trivially_copyable_v<Element>) count = std::min<std::size_t>(count, 10000);
  const Maker::Inside inside(maker);
  T container;
  for (; count != 0; --count) {
    if constexpr (Appends<T>) {
      container.push_back(make<Element>(maker));
    } else if constexpr (Prepends<T>) {
      container.push_front(make<Element>(maker));
    } else {
      container.insert(make<Element>(maker));
    }
  }
  return container;
}

// By index: a type may stand in it twice.
template <class V>
V make_variant(Maker& maker) {
  V made;
  std::uint64_t chosen = maker.draw.below(std::variant_size_v<V>);
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    ((chosen-- == 0 ? void(made.template emplace<i>(make<std::variant_alternative_t<i, V>>(maker)))
                    : void()),
     ...);
  }
  (std::make_index_sequence<std::variant_size_v<V>>{});
  return made;
}

}  // namespace detail

template <class T>
T make(Maker& maker) {
  using namespace detail;
  if constexpr (MakesItself<T>) {
    return T::make(maker);
  } else if constexpr (std::is_arithmetic_v<T>) {
    return make_number<T>(maker.draw);
  } else if constexpr (std::is_enum_v<T>) {
    return static_cast<T>(make_number<std::underlying_type_t<T>>(maker.draw));
  } else if constexpr (std::same_as<T, std::monostate>) {
    return {};
  } else if constexpr (is_array<T>) {
    return make_array<typename T::value_type>(maker);
  } else if constexpr (requires { std::variant_size<T>::value; }) {
    return make_variant<T>(maker);
  } else if constexpr (Appends<T> || Inserts<T> || Prepends<T>) {
    return make_container<T>(maker);
  } else if constexpr (std::ranges::range<T>) {  // std::array
    T all{};
    const Maker::Inside inside(maker);
    for (auto& element : all) element = make<std::remove_reference_t<decltype(element)>>(maker);
    return all;
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    return [&]<std::size_t... i>(std::index_sequence<i...>) {
      return T{make<std::tuple_element_t<i, T>>(maker)...};
    }
    (std::make_index_sequence<std::tuple_size_v<T>>{});
  } else if constexpr (requires(T value) { value.has_value(); }) {
    if (maker.draw.percent(25)) return std::nullopt;
    return make<typename T::value_type>(maker);
  } else if constexpr (requires { typename T::element_type; }) {
    if (maker.draw.percent(20)) return nullptr;
    return T(new typename T::element_type(make<typename T::element_type>(maker)));
  } else if constexpr (requires {
                         typename T::rep;
                         typename T::period;
                       }) {
    if constexpr (requires { typename T::clock; }) {
      return T(typename T::duration(make<typename T::rep>(maker)));
    } else {
      return T(make<typename T::rep>(maker));
    }
  } else if constexpr (requires(T value) { value.real(); }) {
    return T(make<typename T::value_type>(maker), make<typename T::value_type>(maker));
  } else {
    T bits;  // std::bitset
    for (std::size_t i = 0; i != bits.size(); ++i) bits[i] = maker.draw.percent(50);
    return bits;
  }
}

}  // namespace paracord::testkit::random
