#pragma once

#include <chrono>
#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "paracord/core/codec.h"
#include "paracord/memmap/class_name.h"
#include "paracord/memmap/type_kinds.h"

/// A type as text that does not depend on the compiler: "vector<float64>". Stands in files, so that
/// nobody reads them as something else, and is part of what hash() hashes.
///
/// Numbers by kind and size, containers by what they are, aggregates by name and members; classes
/// with `serialize` or a codec of their own by their name.
namespace paracord::detail {

/// What a text is for. Files of the first release may have another text, which is still read; where
/// hash() hashes otherwise than it did, its text says so.
enum class TextUse { file, first_release, hash };

class TypeText {
 public:
  explicit TypeText(TextUse use) : use_(use) {}
  template <class T>
  void add();
  const std::string& text() const { return text_; }
  /// Whether views are in it. (Those within classes that describe themselves are not seen.)
  bool holds_views() const { return holds_views_; }
  /// Whether its bytes stand in files otherwise than they did in the first release.
  bool has_new_bytes() const { return has_new_bytes_; }

 private:
  template <class... T>
  void add_list(const char* name) {
    text_ += name;
    [[maybe_unused]] const char* separator = "<";
    ((text_ += separator, add<std::remove_cv_t<T>>(), separator = ","), ...);
    text_ += sizeof...(T) == 0 ? "<>" : ">";
  }
  template <class T>
  void add_class();
  template <class T>
  void add_container();
  template <class T>
  void add_known();
  template <class T>
  std::string name() const {
    return use_ == TextUse::first_release ? short_class_name(type_name<T>()) : class_name<T>();
  }
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

  const TextUse use_;
  std::string text_;
  bool holds_views_ = false, has_new_bytes_ = false;
  std::set<std::string> within_;  // classes that may hold themselves
};

/// Its codec is asked now where hash() did not ask it in the first release.
template <class T>
inline constexpr bool is_newly_asked =
    OwnCodec<T> && !is_array_class<T> &&
    (is_flat_memory<T> || Described<T> || Growing<T> || is_parts<T> || is_variant<T> ||
     is_optional<T> || is_forward_list<T> || is_std_array<T>);

template <class T>
void TypeText::add_class() {
  const std::string name = this->name<T>();
  text_ += name;
  if constexpr (Reflected<T> && !Serializable<T> && !OwnCodec<T>) {
    if (!within_.insert(name).second) return;
    Fields<T>::each([this, separator = '{']<class Field>() mutable {
      text_ += std::exchange(separator, ',');
      add<Field>();
    });
    text_ += '}';
    within_.erase(name);
  }
}

// Of a class that derives from a container, its elements may be of the class itself.
template <class T>
void TypeText::add_container() {
  const std::string name = type_name<T>();
  if (!within_.insert(name).second) {
    text_ += this->name<T>();
    return;
  }
  if constexpr (Text<T>) {
    add_list<typename T::value_type>("string");
  } else if constexpr (Mapping<T>) {
    add_list<typename T::key_type, typename T::mapped_type>(Unordered<T> ? "unordered_map" : "map");
  } else if constexpr (Keyed<T>) {
    add_list<typename T::key_type>(Unordered<T> ? "unordered_set" : "set");
  } else {
    // Elements that are memory no more, since their codec is asked, stood in one piece before.
    constexpr bool asked =
        !Contiguous<T> && is_flat_memory<typename T::value_type> && requires(T & values) {
      values.data();
    };
    has_new_bytes_ = has_new_bytes_ || asked;
    add_list<typename T::value_type>(Contiguous<T> ? "vector" : "list");
  }
  within_.erase(name);
}

template <class T>
void TypeText::add_known() {
  if constexpr (is_std_array<T>) {
    add_list<typename T::value_type>("array");
    text_ += "[" + std::to_string(std::tuple_size_v<T>) + "]";
  } else if constexpr (ComplexNumber<T>) {
    add_list<typename T::value_type>("complex");
    // What hash() hashed of it was nothing.
    if (std::is_same_v<typename T::value_type, long double> && use_ == TextUse::hash) text_ += "#2";
  } else if constexpr (is_array_class<T>) {
    add_list<typename T::value_type>("Array");
  } else if constexpr (is_span<T>) {
    add_list<typename T::value_type>("vector");
  } else if constexpr (is_string_view<T>) {
    add_list<typename T::value_type>("string");
  } else if constexpr (Sequence<T>) {
    add_container<T>();
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
    using Clock = typename T::clock;
    if (use_ != TextUse::first_release && !std::is_same_v<Clock, std::chrono::system_clock>)
      text_ += " of " + class_name<Clock>();
  } else if constexpr (is_bitset<T>) {
    text_ += "std::bitset";  // its length stands in what is written
  } else {
    add_class<T>();
  }
}

template <class T>
void TypeText::add() {
  if constexpr (is_view<T>) holds_views_ = true;
  constexpr bool asks_within = is_flat_memory<T> && !is_flat<T> && !OwnCodec<T>;
  if constexpr (std::is_arithmetic_v<T>) {
    text_ += number_name<T>();
  } else if constexpr (std::is_enum_v<T>) {
    text_ += "enum " + name<T>() + ":" + number_name<std::underlying_type_t<T>>();
  } else if constexpr (std::is_array_v<T>) {
    add_list<std::remove_extent_t<T>>("array");
    text_ += "[" + std::to_string(std::extent_v<T>) + "]";
  } else if constexpr (OwnCodec<T> && !is_array_class<T>) {
    if (use_ == TextUse::first_release) {
      add_known<T>();
    } else {
      text_ += name<T>();
    }
  } else {
    add_known<T>();
  }
  if (asks_within) has_new_bytes_ = true;
  if (use_ == TextUse::first_release) return;
  if (asks_within || (use_ == TextUse::hash && is_newly_asked<T>)) text_ += "#2";
}

template <class T, TextUse use = TextUse::file>
const TypeText& described_type() {
  static const TypeText text = [] {
    TypeText all(use);
    all.add<T>();
    return all;
  }();
  return text;
}
template <class T>
const std::string& type_text() {
  return described_type<T>().text();
}
/// What files of the first release say of a T; empty where they cannot be read as one.
template <class T>
const std::string& first_type_text() {
  static const std::string none;
  const TypeText& first = described_type<T, TextUse::first_release>();
  return described_type<T>().has_new_bytes() ? none : first.text();
}

}  // namespace paracord::detail
