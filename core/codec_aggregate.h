#pragma once

#include <array>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include "paracord/core/codec_field_types.h"
#include "paracord/core/codec_fields.h"
#include "paracord/core/codec_kinds.h"

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

template <class Named>
constexpr bool is_unnamed_union() {
  const std::string_view text(__PRETTY_FUNCTION__);
  return std::is_union_v<Named> &&
         (text.find("<unnamed union>") != text.npos || text.find("(anonymous union") != text.npos ||
          text.find("(unnamed union") != text.npos);
}
/// Becomes a union without a name: its members count as those of T, and cannot be bound.
struct UnnamedUnion {
  template <class Field>
  requires(is_unnamed_union<Field>()) operator Field() const;
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
/// With a member behind these that does not take AnyField, so that they are not all.
template <class T, std::size_t... i>
constexpr bool takes_more(std::index_sequence<i...>) {
  return requires {
    T{AnyAt<T, i>{}..., {}};
  };
}
template <class T, std::size_t... before, std::size_t... after>
constexpr bool takes_union(std::index_sequence<before...>, std::index_sequence<after...>) {
  return requires {
    T{AnyAt<T, before>{}..., UnnamedUnion{}, AnyAt<T, after>{}...};
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

template <class T, std::size_t values, std::size_t at = 0>
constexpr bool has_unnamed_union() {
  if constexpr (at == values) {
    return false;
  } else if constexpr (takes_union<T>(std::make_index_sequence<at>(),
                                      std::make_index_sequence<values - at - 1>())) {
    return true;
  } else {
    return has_unnamed_union<T, values, at + 1>();
  }
}

template <class T>
inline constexpr bool has_base = requires {
  T{AnyBase<T>{}};
};

/// The members that can be told apart; 0 where some may not be seen.
template <class T>
constexpr std::size_t field_count() {
  if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> && !std::is_empty_v<T>) {
    if constexpr (!has_base<T>) {
      constexpr std::size_t values = count_values<T>();
      constexpr bool long_array = values == 4 * most_fields;  // its end was not looked for
      if constexpr (!has_unnamed_union<T, values>()) {
        if constexpr (long_array || !takes_more<T>(std::make_index_sequence<values>()))
          return count_members<T, values>();
      }
    }
  }
  return 0;
}

template <class T>
concept TupleLike = requires {
  std::tuple_size<T>::value;
};

/// What T's members are declared as. (Of T without cv, so that each is asked once.)
template <class T>
using Fields = decltype(list_fields<field_count<T>()>(std::declval<T&>()));

template <class T>
constexpr bool is_reflected() {
  if constexpr (std::is_aggregate_v<T> && std::is_class_v<T> && !TupleLike<T>) {
    if constexpr (field_count<T>() != 0 && field_count<T>() <= most_fields)
      return Fields<T>::usable;
  }
  return false;
}
/// An aggregate without bases, of 1 to 24 members, none of which is a reference, a bit-field, or
/// one of a union without a name.
template <class T>
concept Reflected = is_reflected<T>();

template <class T, class Visit>
constexpr decltype(auto) visit_fields(T& value, Visit&& visit) {
  return visit_bound<field_count<std::remove_const_t<T>>()>(value, std::forward<Visit>(visit));
}

}  // namespace paracord::detail
