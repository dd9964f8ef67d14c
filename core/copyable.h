#pragma once

#include <type_traits>

#include "paracord/core/codec.h"

namespace paracord::detail {

template <class T, class... Within>
constexpr bool is_copyable();
template <class... Part, class... Within>
constexpr bool all_are_copyable(PartList<Part...>, PartList<Within...>) {
  return (is_copyable<std::remove_cv_t<Part>, Within...>() && ...);
}

/// Whether copies of a T can be made. std::is_copy_constructible says so of each container,
/// whatever its elements, and of each aggregate that holds one: to copy a
/// `std::vector<std::unique_ptr<int>>` does not compile. (A class of a user's own that holds one
/// must not offer to be copied.)
template <class T, class... Within>
constexpr bool is_copyable() {
  if constexpr ((std::is_same_v<T, Within> || ...)) {
    return true;  // it holds itself
  } else if constexpr (!std::is_copy_constructible_v<T>) {
    return false;
  } else if constexpr (std::is_trivially_copyable_v<T> || requires { typename T::element_type; }) {
    return true;  // a pointer or a view: what it points to is not copied
  } else if constexpr (HasParts<T>) {
    return all_are_copyable(typename Codec<T>::Parts(), PartList<T, Within...>());
  } else if constexpr (Reflected<T>) {
    return Fields<T>::with([]<class... Field>() {
      return (is_copyable<std::remove_all_extents_t<Field>, T, Within...>() && ...);
    });
  } else {
    return true;
  }
}

}  // namespace paracord::detail
