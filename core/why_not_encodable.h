#pragma once

#include <functional>
#include <string>
#include <type_traits>

#include "paracord/core/codec_base.h"

/// What keeps a value from travelling, in words.
namespace paracord::detail {

template <class T, class... Within>
std::string why_not_encodable();

template <class... Within, class... Part>
std::string why_not_parts(PartList<Part...>) {
  std::string why;
  ((why.empty() ? void(why = why_not_encodable<std::remove_cv_t<Part>, Within...>()) : void()),
   ...);
  return why;
}

template <class T>
std::string why_not_a_pointer(const std::string& name) {
  using Target = std::remove_pointer_t<T>;
  if constexpr (std::is_function_v<Target> || std::is_member_function_pointer_v<T>) {
    return "a " + name + " points at code of this process; name the function in the task itself, " +
           "delayed<function>(arguments…), or pass an enum or a number that says which it is";
  } else if constexpr (std::is_member_pointer_v<T>) {
    return "a " + name + " means something in this program only; pass an enum or a number that " +
           "says which member it is";
  } else if constexpr (std::is_same_v<std::remove_cv_t<Target>, char>) {
    return "a " + name + " points at memory of this process; pass a std::string or " +
           "std::string_view";
  } else {
    return "a " + name + " points at memory of this process; pass the value itself, a container, " +
           "or a std::span";
  }
}

/// A container that is known but for what it holds besides its elements.
template <class T>
std::string why_not_a_container(const std::string& name) {
  if constexpr (!decltype(known(static_cast<const T*>(nullptr)))::comes_back) {
    return "a " + name +
           " has a comparison, hasher or allocator with state, which would be lost; " +
           "use one without, or specialise paracord::Codec for it";
  } else {
    return "a " + name +
           " is a container and more, and the rest would be lost; make the container " +
           "a member, give it a `serialize(Archive&)`, or specialise paracord::Codec for it";
  }
}

template <class T>
std::string why_not_an_aggregate(const std::string& name) {
  return "a " + name +
         " has members that cannot be told apart (bit-fields, a union or references " +
         "among them, a base class, or more than 24); give it a `serialize(Archive&)`, or " +
         "specialise paracord::Codec for it";
}

template <class T>
inline constexpr bool is_std_function = false;
template <class F>
inline constexpr bool is_std_function<std::function<F>> = true;

template <class T>
std::string why_not_a_class(const std::string& name) {
  if constexpr (is_std_function<T>) {
    return "a " + name + " holds code of this process; name the function in the task itself, " +
           "delayed<function>(arguments…), and pass what it captures as arguments";
  } else if constexpr (StandardContainer<T>) {
    return why_not_a_container<T>(name);
  } else if constexpr (InheritedSerialize<T>) {
    return "a " + name + " has the `serialize` of a base class, which does not see its own " +
           "members; give it one of its own, with cereal's base_class for the rest";
  } else if constexpr (requires {
                         typename T::element_type;
                         requires is_complete<typename T::element_type>;
                         requires std::is_polymorphic_v<typename T::element_type>;
                       }) {
    return "a " + name + " may point at any derived class; include paracord/core/cereal.h and " +
           "register them with CEREAL_REGISTER_TYPE";
  } else if constexpr (requires {
                         typename T::element_type;
                         requires !is_complete<typename T::element_type>;
                       }) {
    return "a " + name + " points at a class that is declared here, but not defined; include its " +
           "definition, or specialise paracord::Codec for the pointer";
  } else if constexpr (is_view<T>) {
    return "a " + name + " looks at memory that is no plain one: its elements must be numbers, " +
           "enums, or aggregates of these; pass a container";
  } else if constexpr (Growing<T> && !HoldsItself<T>) {
    return "a " + name +
           " is a container that paracord does not know; where its elements are all " +
           "that it holds, say so: `template <> inline constexpr bool paracord::is_container<" +
           name + "> = true;`, else specialise paracord::Codec for it";
  } else if constexpr (std::is_aggregate_v<T>) {
    return why_not_an_aggregate<T>(name);
  } else {
    return "a " + name + " has no codec; give it a `serialize(Archive&)`, or specialise " +
           "paracord::Codec for it";
  }
}

/// Nothing, where nothing was found within: the reason stands beside it.
inline std::string in_a(const std::string& name, const std::string& why) {
  return why.empty() ? why : "in a " + name + ": " + why;
}

/// What stands in the way, down to the innermost type, and what to write instead.
template <class T, class... Within>
std::string why_not_encodable() {
  [[maybe_unused]] const std::string name = type_name<T>();
  if constexpr (is_encodable<T> || (std::is_same_v<T, Within> || ...)) {
    return {};
  } else if constexpr (!is_complete<T>) {
    return "a " + name +
           " is declared here, but not defined; include its definition, or pass what " +
           "it stands for";
  } else if constexpr (std::is_array_v<T>) {
    return in_a(name, why_not_encodable<std::remove_extent_t<T>, T, Within...>());
  } else if constexpr (std::is_pointer_v<T> || std::is_member_pointer_v<T>) {
    return why_not_a_pointer<T>(name);
  } else if constexpr (HasParts<T>) {
    return in_a(name, why_not_parts<T, Within...>(typename Codec<T>::Parts()));
  } else if constexpr (Assembled<T>) {
    return in_a(name, Fields<T>::with([]<class... Field>() {
                  return why_not_parts<T, Within...>(PartList<Field...>());
                }));
  } else if constexpr (Reflected<T>) {
    return "a " + name + " has C arrays, and is const in part or cannot be made by default; use " +
           "std::array";
  } else {
    return why_not_a_class<T>(name);
  }
}

}  // namespace paracord::detail
