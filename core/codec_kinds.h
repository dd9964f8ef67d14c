#pragma once

#include <complex>
#include <concepts>
#include <deque>
#include <list>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "paracord/core/argument.h"

/// Which types are known: a container is what the standard calls so, not what looks like one. What
/// merely looks like one may hold more than it shows, and that would be lost on the way.
namespace paracord {

class Encoder;
class Decoder;
template <class T>
struct Codec;

/// Says of a container that is not the standard's that its elements are all that it holds, so that
/// it travels as they do. Specialise it for those of other libraries, as
/// `template <class T> constexpr bool paracord::is_container<small_vector<T>> = true;`
template <class C>
inline constexpr bool is_container = false;

namespace detail {

template <class...>
struct PartList {};

template <class T>
concept HasCodec = requires(Encoder& out, Decoder& in, const T& value) {
  Codec<T>::encode(out, value);
  { Codec<T>::decode(in) } -> std::same_as<T>;
};
/// Codecs of this library say what the types are made of that decide whether a value can travel.
template <class T>
concept HasParts = requires {
  typename Codec<T>::Parts;
};
/// A codec that was written for just this type comes before all that is known of its kind.
template <class T>
concept OwnCodec = HasCodec<T> && !HasParts<T>;

template <class T>
inline constexpr bool is_complete = requires {
  sizeof(T);
};
template <>
inline constexpr bool is_complete<void> = false;

/// A standard container with what it works by besides its elements: they come back by default, so
/// they must have no state.
template <class C, class... Workers>
struct Container_of {
  using Type = C;
  static constexpr bool comes_back =
      ((std::is_empty_v<Workers> && std::is_default_constructible_v<Workers>)&&...);
};
template <class T, class A>
Container_of<std::vector<T, A>, A> known(const std::vector<T, A>*);
template <class T, class A>
Container_of<std::deque<T, A>, A> known(const std::deque<T, A>*);
template <class T, class A>
Container_of<std::list<T, A>, A> known(const std::list<T, A>*);
template <class C, class Traits, class A>
Container_of<std::basic_string<C, Traits, A>, A> known(const std::basic_string<C, Traits, A>*);
template <class K, class L, class A>
Container_of<std::set<K, L, A>, L, A> known(const std::set<K, L, A>*);
template <class K, class L, class A>
Container_of<std::multiset<K, L, A>, L, A> known(const std::multiset<K, L, A>*);
template <class K, class V, class L, class A>
Container_of<std::map<K, V, L, A>, L, A> known(const std::map<K, V, L, A>*);
template <class K, class V, class L, class A>
Container_of<std::multimap<K, V, L, A>, L, A> known(const std::multimap<K, V, L, A>*);
template <class K, class H, class E, class A>
Container_of<std::unordered_set<K, H, E, A>, H, E, A> known(const std::unordered_set<K, H, E, A>*);
template <class K, class H, class E, class A>
Container_of<std::unordered_multiset<K, H, E, A>, H, E, A> known(
    const std::unordered_multiset<K, H, E, A>*);
template <class K, class V, class H, class E, class A>
Container_of<std::unordered_map<K, V, H, E, A>, H, E, A> known(
    const std::unordered_map<K, V, H, E, A>*);
template <class K, class V, class H, class E, class A>
Container_of<std::unordered_multimap<K, V, H, E, A>, H, E, A> known(
    const std::unordered_multimap<K, V, H, E, A>*);

/// T is one, or derives from one.
template <class T>
concept StandardContainer = std::is_class_v<T> && requires(const T* container) {
  known(container);
};
template <class T>
using StandardBase = typename decltype(known(static_cast<const T*>(nullptr)))::Type;

template <class Base>
struct OneMore : Base {
  char more;
};
/// T is its base, and holds no more: nothing in front of the base or behind it, nor in its padding.
template <class T, class Base>
inline constexpr bool adds_nothing = std::is_same_v<T, Base> ||
                                     (sizeof(T) == sizeof(Base) &&
                                      sizeof(OneMore<Base>) > sizeof(Base));

/// What the standard's containers show, and those that is_container stands for.
template <class C>
concept Growing = !is_view<C> && std::is_default_constructible_v<C> &&
                  requires(C & container, const C& constant, typename C::value_type value) {
  constant.begin();
  constant.end();
  { constant.size() } -> std::convertible_to<std::size_t>;
  container.insert(container.end(), std::move(value));
};
template <class T>
constexpr bool is_known_container() {
  if constexpr (!is_complete<T>) {
    return false;
  } else if constexpr (is_container<T>) {
    return Growing<T>;
  } else if constexpr (StandardContainer<T>) {
    return decltype(known(static_cast<const T*>(nullptr)))::comes_back &&
           adds_nothing<T, StandardBase<T>> && std::is_default_constructible_v<T>;
  } else {
    return false;
  }
}
/// A container of which it is known that its elements are all that it holds.
template <class C>
concept KnownContainer = is_known_container<C>();

/// Whether the compiler's name of a type begins so: for types whose headers not everybody needs.
template <class Named>
constexpr bool is_called(std::string_view start) {
  constexpr std::string_view text(__PRETTY_FUNCTION__);
  constexpr std::string_view marker = "Named = ";
  return text.substr(text.find(marker) + marker.size()).starts_with(start);
}

template <class T>
inline constexpr bool is_complex = false;
template <class T>
inline constexpr bool is_complex<std::complex<T>> = true;
template <class T>
concept ComplexNumber = is_complex<T> && std::is_trivially_copyable_v<T>;
/// What tasks write to elements of this type counts in parts of so many bytes: a number as a whole;
/// of a class each byte, since tasks may write to different members.
template <class T>
inline constexpr std::size_t written_unit = std::is_scalar_v<T> || is_complex<T> ? sizeof(T) : 1;

}  // namespace detail
}  // namespace paracord
