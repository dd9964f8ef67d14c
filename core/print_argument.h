#pragma once

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

namespace paracord {
template <class T>
struct Codec;
}

/// Arguments as text, for error messages and traces: short, and never failing.
namespace paracord::detail {

/// What is known of a task besides how to run it.
struct TaskText {
  std::string function;
  std::string arguments;
};

/// The compiler's name for a template argument, cut from __PRETTY_FUNCTION__ of a template whose
/// only parameter is called `Named`.
std::string name_from_pretty(const char* pretty);

template <class Named>
std::string type_name() {
  return name_from_pretty(__PRETTY_FUNCTION__);
}
template <auto Named>
std::string value_name() {
  return name_from_pretty(__PRETTY_FUNCTION__);
}

void print(std::string& out, long long value);
void print(std::string& out, unsigned long long value);
void print(std::string& out, double value);
void print_bool(std::string& out, bool value);
void print_text(std::string& out, std::string_view value);
void print_address(std::string& out, const void* value);
void print_size(std::string& out, std::size_t size);

template <class T>
concept Container = requires(const T& range) {
  *range.begin();  // of an Eigen matrix, begin() alone would do, and cannot be called
  range.end();
  { range.size() } -> std::convertible_to<std::size_t>;
};
/// A container of itself, as JSON values and trees are.
template <class T>
concept HoldsItself = Container<T> && requires(const T& range) {
  requires std::is_same_v<T, std::remove_cvref_t<decltype(*range.begin())>>;
};
/// A class that somebody wrote a codec for: its shape says nothing, but where the codec says that
/// its elements are what there is to see.
template <class T>
concept DescribedByCodec = requires {
  sizeof(Codec<T>);
  requires !requires {
    typename Codec<T>::Parts;
  };
  requires !requires {
    Codec<T>::shows_elements;
  };
};

/// How much more may be printed: containers in containers, and characters.
struct PrintRoom {
  int depth = 4;
  std::size_t end;  ///< of the text
};

template <class T>
void print_argument(std::string& out, const T& value, PrintRoom room);

template <class T>
void print_elements(std::string& out, const T& value, PrintRoom room) {
  constexpr std::size_t shown = 3;
  std::size_t printed = 0;
  out += '{';
  for (const auto& element : value) {
    if (printed == shown || out.size() >= room.end) break;
    if (printed++ != 0) out += ", ";
    print_argument(out, element, room);
  }
  const auto size = static_cast<std::size_t>(value.size());
  if (size > printed) print_size(out, size);
  out += '}';
}

template <class T>
void print_type(std::string& out) {
  out += '<';
  out += type_name<T>();
  out += '>';
}

template <class T>
void print_argument(std::string& out, const T& value, PrintRoom room) {
  if constexpr (std::is_same_v<T, bool>) {
    print_bool(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    print_argument(out, static_cast<std::underlying_type_t<T>>(value), room);
  } else if constexpr (std::is_floating_point_v<T>) {
    print(out, static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    print(out, static_cast<long long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    print(out, static_cast<unsigned long long>(value));
  } else if constexpr (std::is_object_v<std::remove_pointer_t<T>> && std::is_pointer_v<T>) {
    print_address(out, value);
  } else if constexpr (DescribedByCodec<T> || HoldsItself<T>) {
    print_type<T>(out);
  } else if constexpr (std::is_convertible_v<const T&, std::string_view> && !std::is_pointer_v<T>) {
    print_text(out, value);
  } else if constexpr (requires {
                         requires std::is_same_v<decltype(value.get()), typename T::type&>;
                       }) {
    print_argument(out, value.get(), room);  // a std::reference_wrapper
  } else if constexpr (Container<T>) {
    if (room.depth-- == 0 || out.size() >= room.end) {
      out += "{…}";
    } else {
      print_elements(out, value, room);
    }
  } else {
    print_type<T>(out);
  }
}

/// Calls `print(out, value, end)`, and `print_type(out)` in its place where that throws: what a
/// class of the user's throws on being looked at is no news.
void print_or_name(std::string& out, const void* value,
                   void (*print)(std::string& out, const void* value, std::size_t end),
                   void (*print_type)(std::string& out));

/// Never fails.
template <class T>
void print_argument(std::string& out, const T& value) {
  print_or_name(
      out, std::addressof(value),
      [](std::string& text, const void* shown, std::size_t end) {
        print_argument(text, *static_cast<const T*>(shown), PrintRoom{.end = end});
      },
      [](std::string& text) { print_type<T>(text); });
}

}  // namespace paracord::detail
