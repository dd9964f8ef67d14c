#pragma once

#include <array>
#include <chrono>
#include <ranges>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "paracord/core/codec.h"
#include "paracord/memmap/array_codec.h"

/// A type as text that does not depend on the compiler: "vector<float64>". Stands in files, so that
/// nobody reads them as something else, and is part of what hash() hashes.
///
/// Numbers by kind and size, containers by what they are, aggregates by name and members; classes
/// with `serialize` or a codec of their own by their name without template arguments.
namespace paracord::detail {

/// A class's name, as all compilers write it; without template arguments.
std::string class_name(const std::string& printed);

class TypeText {
 public:
  template <class T>
  void add();
  const std::string& text() const { return text_; }
  /// Whether views are in it. (Those within classes that describe themselves are not seen.)
  bool holds_views() const { return holds_views_; }

 private:
  template <class... T>
  void add_list(const char* name) {
    text_ += name;
    [[maybe_unused]] const char* separator = "<";
    ((text_ += separator, add<std::remove_cv_t<T>>(), separator = ","), ...);
    text_ += sizeof...(T) == 0 ? "<>" : ">";
  }
  template <class T>
  void add_number();
  template <class T>
  void add_class();
  template <class... T>
  void add_parts(const std::tuple<T...>*) {
    add_list<T...>("tuple");
  }
  template <class A, class B>
  void add_parts(const std::pair<A, B>*) {
    add_list<A, B>("pair");
  }
  template <class... T>
  void add_parts(const std::variant<T...>*) {
    add_list<T...>("variant");
  }

  std::string text_;
  bool holds_views_ = false;
  std::set<std::string> within_;  // classes that may hold themselves
};

template <class C>
concept Keyed = Growing<C> && requires {
  typename C::key_type;
};
template <class C>
concept Unordered = Keyed<C> && requires {
  typename C::hasher;
};
template <class C>
concept Mapping = Keyed<C> && requires {
  typename C::mapped_type;
};
template <class C>
concept Text = requires(const C& text) {
  typename C::traits_type;
  text.find_first_of(text);
};
template <class T>
inline constexpr bool is_forward_list = false;
template <class T>
inline constexpr bool is_forward_list<std::forward_list<T>> = true;
template <class C>
concept Sequence = Growing<C> || is_forward_list<C>;

template <class T>
inline constexpr bool is_std_array = false;
template <class T, std::size_t count>
inline constexpr bool is_std_array<std::array<T, count>> = true;
template <class T>
inline constexpr bool is_parts = false;
template <class... T>
inline constexpr bool is_parts<std::tuple<T...>> = true;
template <class A, class B>
inline constexpr bool is_parts<std::pair<A, B>> = true;
template <class T>
inline constexpr bool is_variant = false;
template <class... T>
inline constexpr bool is_variant<std::variant<T...>> = true;
template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_duration = false;
template <class R, class Period>
inline constexpr bool is_duration<std::chrono::duration<R, Period>> = true;
template <class T>
inline constexpr bool is_time_point = false;
template <class Clock, class D>
inline constexpr bool is_time_point<std::chrono::time_point<Clock, D>> = true;
template <class T>
inline constexpr bool is_array_class = false;
template <class T>
inline constexpr bool is_array_class<Array<T>> = true;
template <class T>
inline constexpr bool is_array_class<ArrayView<T>> = true;
template <class T>
inline constexpr bool is_span = false;
template <class T, std::size_t extent>
inline constexpr bool is_span<std::span<T, extent>> = true;
template <class P>
concept OwningPointer = (std::is_same_v<P, std::unique_ptr<typename P::element_type>> ||
                         std::is_same_v<P, std::shared_ptr<typename P::element_type>>)&&!std::
    is_polymorphic_v<typename P::element_type>;

template <class T>
void TypeText::add_number() {
  if constexpr (std::is_same_v<T, bool>) {
    text_ += "bool";
  } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
                       std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> ||
                       std::is_same_v<T, char32_t>) {
    text_ += "char" + std::to_string(8 * sizeof(T));
  } else if constexpr (std::is_floating_point_v<T>) {
    constexpr int of_x87 = 64;  // digits of a long double that is 80 bits in 16 bytes
    text_ +=
        "float" + std::to_string(std::numeric_limits<T>::digits == of_x87 ? 80 : 8 * sizeof(T));
  } else {
    text_ += (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  }
}

template <class T>
void TypeText::add_class() {
  const std::string name = class_name(type_name<T>());
  text_ += name;
  if constexpr (Reflected<T> && !Serializable<T> && !HasCodec<T>) {
    if (!within_.insert(name).second) return;
    Fields<T>::each([this, separator = '{']<class Field>() mutable {
      text_ += std::exchange(separator, ',');
      add<Field>();
    });
    text_ += '}';
    within_.erase(name);
  }
}

template <class T>
void TypeText::add() {
  if constexpr (is_view<T>) holds_views_ = true;
  if constexpr (std::is_arithmetic_v<T>) {
    add_number<T>();
  } else if constexpr (std::is_enum_v<T>) {
    text_ += "enum " + class_name(type_name<T>()) + ":";
    add_number<std::underlying_type_t<T>>();
  } else if constexpr (std::is_array_v<T>) {
    add_list<std::remove_extent_t<T>>("array");
    text_ += "[" + std::to_string(std::extent_v<T>) + "]";
  } else if constexpr (is_std_array<T>) {
    add_list<typename T::value_type>("array");
    text_ += "[" + std::to_string(std::tuple_size_v<T>) + "]";
  } else if constexpr (ComplexNumber<T>) {
    add_list<typename T::value_type>("complex");
  } else if constexpr (is_array_class<T>) {
    add_list<typename T::value_type>("Array");
  } else if constexpr (Text<T>) {
    add_list<typename T::value_type>("string");
  } else if constexpr (is_span<T>) {
    add_list<typename T::value_type>("vector");
  } else if constexpr (Mapping<T>) {
    add_list<typename T::key_type, typename T::mapped_type>(Unordered<T> ? "unordered_map" : "map");
  } else if constexpr (Keyed<T>) {
    add_list<typename T::key_type>(Unordered<T> ? "unordered_set" : "set");
  } else if constexpr (Sequence<T>) {
    add_list<typename T::value_type>(Contiguous<T> ? "vector" : "list");
  } else if constexpr (is_parts<T> || is_variant<T>) {
    add_parts(static_cast<const T*>(nullptr));
  } else if constexpr (is_optional<T>) {
    add_list<typename T::value_type>("optional");
  } else if constexpr (OwningPointer<T>) {
    add_list<typename T::element_type>("pointer");
  } else if constexpr (is_duration<T>) {
    add_list<typename T::rep>("duration");
    text_ += "*" + std::to_string(T::period::num) + "/" + std::to_string(T::period::den);
  } else if constexpr (is_time_point<T>) {
    add_list<typename T::duration>("time_point");
  } else {
    add_class<T>();
  }
}

template <class T>
const TypeText& described_type() {
  static const TypeText text = [] {
    TypeText all;
    all.add<T>();
    return all;
  }();
  return text;
}
template <class T>
const std::string& type_text() {
  return described_type<T>().text();
}

}  // namespace paracord::detail
