#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "paracord/core/print_argument.h"

/// How one argument of delayed() is stored, and handed to the function's parameter.
namespace paracord {

/// Says that a large container shall be copied into every task that takes it by const reference.
template <class T>
struct Copied {
  const T& value;
};
template <class T>
Copied<T> copy(const T& value) {
  return {value};
}

/// Whether a parameter of type T borrows memory that it does not own. Specialise for views of your
/// own.
template <class T>
inline constexpr bool is_view = false;
template <class T, std::size_t N>
inline constexpr bool is_view<std::span<T, N>> = true;
template <class C, class Traits>
inline constexpr bool is_view<std::basic_string_view<C, Traits>> = true;

/// Whether copies of a container share its elements, so that a copy for each task costs little.
template <class T>
inline constexpr bool shares_elements = false;

namespace detail {

template <class T>
inline constexpr bool is_reference_wrapper = false;
template <class T>
inline constexpr bool is_reference_wrapper<std::reference_wrapper<T>> = true;
template <class T>
inline constexpr bool is_copied = false;
template <class T>
inline constexpr bool is_copied<Copied<T>> = true;

/// Throws std::invalid_argument where `bytes` is over this thread's max_nbytes.
void refuse_large_copy(std::size_t bytes, std::size_t argument, std::string (*type)());

template <class T>
concept ContiguousContainer = !is_view<T> && !shares_elements<T> && requires(const T& c) {
  requires std::is_object_v<std::remove_reference_t<decltype(*c.data())>>;
  { c.size() } -> std::convertible_to<std::size_t>;
};

/// The type in which an argument given as A is kept for a parameter of type P.
template <class P, class A>
struct Stored {
  using Given = std::remove_cvref_t<A>;
  using Value = std::decay_t<P>;
  static constexpr bool borrows = is_reference_wrapper<Given> && std::is_reference_v<P>;
  static constexpr bool mutable_reference =
      std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>;
  static constexpr bool owning_rvalue_for_view = is_view<Value> && !std::is_lvalue_reference_v<A> &&
                                                 !is_view<Given> && !std::is_pointer_v<Given> &&
                                                 !is_reference_wrapper<Given>;
  using Type = std::conditional_t<borrows, Given, Value>;
};

/// Refuses at compile time what would dangle or lose writes, with a sentence for the reader.
template <class P, class A>
constexpr void check_argument() {
  using S = Stored<P, A>;
  static_assert(
      !S::owning_rvalue_for_view,
      "delayed: a temporary that owns its memory was given to a view parameter; it would be gone "
      "when the task runs. Keep it in a variable that outlives the call, or let the function "
      "take it by value.");
  static_assert(
      !S::mutable_reference || S::borrows,
      "delayed: the function takes this parameter by mutable reference; pass std::ref(x), with x "
      "outliving the call, or let the function return its result.");
  if constexpr (!S::owning_rvalue_for_view && !(S::mutable_reference && !S::borrows) &&
                !is_copied<typename S::Given>) {
    static_assert(std::is_constructible_v<typename S::Type, A>,
                  "delayed: an argument does not convert to the function's parameter.");
  }
}

template <class P, class A>
typename Stored<P, A>::Type store_argument(A&& given, [[maybe_unused]] std::size_t position) {
  using S = Stored<P, A>;
  if constexpr (is_copied<typename S::Given>) {
    return typename S::Type(given.value);
  } else {
    if constexpr (std::is_reference_v<P> && !S::borrows && std::is_lvalue_reference_v<A> &&
                  ContiguousContainer<typename S::Value> &&
                  std::is_same_v<typename S::Given, typename S::Value>) {
      refuse_large_copy(given.size() * sizeof(*given.data()), position,
                        &type_name<typename S::Value>);
    }
    return static_cast<typename S::Type>(std::forward<A>(given));
  }
}

/// Hands a stored argument to a parameter of type P: borrowed as a reference, const as it lies,
/// else moved.
template <class P, class T>
decltype(auto) pass_argument(T& stored) {
  if constexpr (is_reference_wrapper<T> && std::is_reference_v<P>) {
    return static_cast<P>(stored.get());
  } else if constexpr (std::is_lvalue_reference_v<P>) {
    return static_cast<const T&>(stored);
  } else {
    return std::move(stored);
  }
}

/// Prints a stored argument after the call: what a by-value parameter took is gone.
template <class P, class T>
void print_stored(std::string& out, const T& stored) {
  if constexpr (!std::is_lvalue_reference_v<P> && !std::is_trivially_copyable_v<T> && !is_view<T>) {
    out += "<moved ";
    out += type_name<T>();
    out += '>';
  } else {
    print_argument(out, stored);
  }
}

}  // namespace detail
}  // namespace paracord
