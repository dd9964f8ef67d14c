#pragma once

#include <limits>
#include <string>
#include <type_traits>

#include "paracord/core/print_argument.h"

/// Names of numbers and classes that do not depend on the compiler.
namespace paracord::detail {

template <class T>
std::string number_name() {
  if constexpr (std::is_same_v<T, bool>) {
    return "bool";
  } else if constexpr (std::is_same_v<T, char> || std::is_same_v<T, wchar_t> ||
                       std::is_same_v<T, char8_t> || std::is_same_v<T, char16_t> ||
                       std::is_same_v<T, char32_t>) {
    return "char" + std::to_string(8 * sizeof(T));
  } else if constexpr (std::is_floating_point_v<T>) {
    constexpr int of_x87 = 64;  // digits of a long double that is 80 bits in 16 bytes
    return "float" + std::to_string(std::numeric_limits<T>::digits == of_x87 ? 80 : 8 * sizeof(T));
  } else {
    static_assert(std::is_integral_v<T>, "paracord: a number of a kind that is not known");
    return (std::is_signed_v<T> ? "int" : "uint") + std::to_string(8 * sizeof(T));
  }
}

/// As the first release wrote it: cut off where template arguments begin.
std::string short_class_name(const std::string& printed);
/// A name as the compiler prints it, without what compilers write in different ways.
std::string plain_class_name(const std::string& printed);
/// Without the template arguments at its end.
std::string template_name(const std::string& printed);

/// With all template arguments: those that are types by their names here.
template <class T>
struct ClassName {
  static std::string text() { return plain_class_name(type_name<T>()); }
};
template <class T>
std::string class_name() {
  if constexpr (std::is_arithmetic_v<T>) {
    return number_name<T>();
  } else if constexpr (std::is_const_v<T>) {
    return "const " + class_name<std::remove_const_t<T>>();
  } else {
    return ClassName<T>::text();
  }
}
template <template <class...> class C, class... T>
struct ClassName<C<T...>> {
  static std::string text() {
    std::string name = template_name(type_name<C<T...>>());
    if (name == "lambda") return name;
    [[maybe_unused]] const char* separator = "<";
    ((name += separator, name += class_name<T>(), separator = ","), ...);
    return name + (sizeof...(T) == 0 ? "<>" : ">");
  }
};

}  // namespace paracord::detail
