#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "paracord/core/argument.h"
#include "paracord/core/codec.h"
#include "paracord/core/entry.h"
#include "paracord/core/signature.h"

/// How the arguments of a delayed call travel: as the values that they are kept as, but for
/// std::cref, whose object is copied at the other end.
namespace paracord::detail {

template <class Kept>
struct Travelling {
  using Received = Kept;
  static constexpr bool possible = is_encodable<Kept>;
};
template <class T>
struct Travelling<std::reference_wrapper<T>> {
  using Received = std::remove_const_t<T>;
  static constexpr bool possible = std::is_const_v<T> && is_encodable<Received>;
};

template <class Kept>
inline constexpr bool argument_travels = Travelling<Kept>::possible;
template <class Kept>
using Received = typename Travelling<Kept>::Received;

template <class R>
inline constexpr bool result_travels = is_encodable<R>;
template <>
inline constexpr bool result_travels<void> = true;

template <class Kept>
void encode_argument(Encoder& out, const Kept& kept) {
  encode(out, kept);
}
template <class T>
void encode_argument(Encoder& out, const std::reference_wrapper<T>& kept) {
  const Encoder::Borrowing borrowing(out);
  encode(out, std::as_const(kept.get()));
}

template <class Kept>
Received<Kept> decode_argument(Decoder& in) {
  return decode<Received<Kept>>(in);
}

template <class Kept>
std::string why_argument_is_bound_here() {
  if constexpr (argument_travels<Kept>) {
    return {};
  } else if constexpr (is_reference_wrapper<Kept>) {
    if constexpr (!std::is_const_v<typename Kept::type>)
      return "it takes an argument by mutable reference, and what it writes there would be lost; " +
             std::string(
                 "return the value, or pass a mutable view of a writable memory-mapped "
                 "array");
    else
      return why_not_encodable<Received<Kept>>();
  } else {
    return why_not_encodable<Kept>();
  }
}

template <class R>
std::string why_result_is_bound_here() {
  if constexpr (result_travels<R>) {
    return {};
  } else {
    return "of its result: " + why_not_encodable<R>();
  }
}

template <class... P>
constexpr bool parameters_travel(TypeList<P...>) {
  return ((is_encodable<std::decay_t<P>> &&
           !(std::is_lvalue_reference_v<P> && !std::is_const_v<std::remove_reference_t<P>>)) &&
          ...);
}

}  // namespace paracord::detail
