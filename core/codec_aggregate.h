#pragma once

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "paracord/core/codec_fields.h"

/// What an aggregate is made of, found out by asking what it can be initialised with.
namespace paracord::detail {

/// Becomes whatever is wanted, but for a base class of T.
template <class T>
struct AnyField {
  template <class Field>
  requires(!std::is_base_of_v<Field, T>) operator Field() const;
};
template <class T>
struct AnyBase {
  template <class Base>
  requires(std::is_base_of_v<Base, T> && !std::is_same_v<Base, T>) operator Base() const;
};

template <class T, std::size_t>
using AnyAt = AnyField<T>;

/// Whether T can be initialised with this many values.
template <class T, std::size_t... i>
constexpr bool takes(std::index_sequence<i...>) {
  return requires {
    T{AnyAt<T, i>{}...};
  };
}
/// With `before` values, some in braces of their own, and more.
template <class T, std::size_t... before, std::size_t... nested, std::size_t... after>
constexpr bool takes_nested(std::index_sequence<before...>, std::index_sequence<nested...>,
                            std::index_sequence<after...>) {
  return requires {
    T{AnyAt<T, before>{}..., {AnyAt<T, nested>{}...}, AnyAt<T, after>{}...};
  };
}

/// The most values that T takes: its members, with C arrays counted element by element.
template <class T, std::size_t guess = 4 * most_fields>
constexpr std::size_t count_values() {
  if constexpr (takes<T>(std::make_index_sequence<guess>())) {
    return guess;
  } else if constexpr (guess == 0) {
    return 0;
  } else {
    return count_values<T, guess - 1>();
  }
}

/// The elements of the C array that begins at value `at`; 1 where none does. Braces that hold n
/// values, and leave no room for another one behind, are those of an array.
template <class T, std::size_t values, std::size_t at, std::size_t guess>
constexpr std::size_t count_elements() {
  if constexpr (guess <= 1) {
    return 1;
  } else if constexpr (takes_nested<T>(std::make_index_sequence<at>(),
                                       std::make_index_sequence<guess>(),
                                       std::make_index_sequence<values - at - guess>()) &&
                       !takes_nested<T>(std::make_index_sequence<at>(),
                                        std::make_index_sequence<guess>(),
                                        std::make_index_sequence<values - at - guess + 1>())) {
    return guess;
  } else {
    return count_elements<T, values, at, guess - 1>();
  }
}

template <class T, std::size_t values, std::size_t at = 0>
constexpr std::size_t count_members() {
  if constexpr (at >= values) {
    return 0;
  } else {
    return 1 + count_members<T, values, at + count_elements<T, values, at, values - at>()>();
  }
}

template <class T>
inline constexpr bool has_base = requires {
  T{AnyBase<T>{}};
};

template <class T>
constexpr std::size_t field_count() {
  if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_empty_v<T>) {
    if constexpr (!has_base<T>) return count_members<T, count_values<T>()>();
  }
  return 0;
}

template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

/// An aggregate without bases, of 1 to 24 members.
template <class T>
concept Reflected = !TupleLike<T> && std::is_aggregate_v<T> && std::is_class_v<T> &&
                    (field_count<T>() != 0) && (field_count<T>() <= most_fields);

template <class T, class Visit>
constexpr decltype(auto) visit_fields(T& value, Visit&& visit) {
  return visit_bound<field_count<std::remove_const_t<T>>()>(value, std::forward<Visit>(visit));
}

template <class... Field>
struct FieldList {
  template <template <class> class Trait>
  using all = std::bool_constant<(Trait<Field>::value && ...)>;
  template <class Use>
  static constexpr void each(Use use) {
    (use.template operator()<Field>(), ...);
  }
};
template <Reflected T>
using Fields = decltype(visit_fields(std::declval<T&>(), [](auto&... field) {
  return FieldList<std::remove_cvref_t<decltype(field)>...>();
}));

/// Values that are their bytes: numbers, enums, and arrays and aggregates of such.
template <class T>
struct Flat : std::bool_constant<std::is_arithmetic_v<T> || std::is_enum_v<T>> {};
template <class T, std::size_t count>
struct Flat<T[count]> : Flat<T> {};
template <class T>
concept ComplexNumber = std::is_trivially_copyable_v<T> && requires(const T& z) {
  typename T::value_type;
  z.real();
  z.imag();
};
template <ComplexNumber T>
struct Flat<T> : Flat<typename T::value_type> {};
template <class T, std::size_t count>
struct Flat<std::array<T, count>> : Flat<T> {};
template <class T>
requires(std::is_trivially_copyable_v<T> && !ComplexNumber<T> && Reflected<T>) struct Flat<T>
    : Fields<T>::template all<Flat> {
};

template <class T>
inline constexpr bool is_flat = Flat<T>::value;

}  // namespace paracord::detail
