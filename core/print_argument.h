#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <type_traits>

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

template <class T>
void print_argument(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>) {
    print_bool(out, value);
  } else if constexpr (std::is_enum_v<T>) {
    print_argument(out, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::is_floating_point_v<T>) {
    print(out, static_cast<double>(value));
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    print(out, static_cast<long long>(value));
  } else if constexpr (std::is_integral_v<T>) {
    print(out, static_cast<unsigned long long>(value));
  } else if constexpr (std::is_convertible_v<const T&, std::string_view> && !std::is_pointer_v<T>) {
    print_text(out, value);
  } else if constexpr (std::is_object_v<std::remove_pointer_t<T>> && std::is_pointer_v<T>) {
    print_address(out, value);
  } else if constexpr (
      requires { value.get(); } && requires { typename T::type; }) {
    print_argument(out, value.get());  // a std::reference_wrapper
  } else if constexpr (Container<T>) {
    constexpr std::size_t shown = 3;
    std::size_t printed = 0;
    out += '{';
    for (const auto& element : value) {
      if (printed == shown) break;
      if (printed++ != 0) out += ", ";
      print_argument(out, element);
    }
    if (static_cast<std::size_t>(value.size()) > shown) print_size(out, value.size());
    out += '}';
  } else {
    out += '<';
    out += type_name<T>();
    out += '>';
  }
}

}  // namespace paracord::detail
