#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <exception>
#include <string>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>

#include "paracord/core/codec.h"
#include "paracord/core/exception_details.h"

namespace paracord {

namespace detail {

/// Exceptions that are made from an error code, alone or after a text.
template <class E>
concept HasErrorCode = requires(const E& e) {
  { e.code() } -> std::convertible_to<std::error_code>;
}
&&(std::constructible_from<E, std::error_code> ||
   std::constructible_from<E, std::string, std::error_code>);
template <class E>
concept HasEnumCode = requires(const E& e) {
  requires std::is_enum_v<decltype(e.code())>;
}
&&requires(const E& e) {
  E(e.code());
};

/// The standard's categories of error codes have numbers; any other one counts as the generic one.
std::uint8_t number_of(const std::error_category& category);
const std::error_category& category_of(std::uint8_t number);

/// Writes what what() does not say: E through its codec, or its error code.
template <class E>
void encode_exception(const void* thrown, Encoder& out) {
  [[maybe_unused]] const E& e = *static_cast<const E*>(thrown);
  if constexpr (is_encodable<E>) {
    encode(out, e);
  } else if constexpr (HasErrorCode<E>) {
    out.put(e.code().value());
    out.put(number_of(e.code().category()));
  } else if constexpr (HasEnumCode<E>) {
    out.put(e.code());
  }
}

template <class E>
E decode_exception([[maybe_unused]] Decoder& in, [[maybe_unused]] const std::string& words) {
  if constexpr (is_encodable<E>) {
    return decode<E>(in);
  } else if constexpr (HasErrorCode<E>) {
    const int value = in.get<int>();
    const std::error_code code(value, category_of(in.get<std::uint8_t>()));
    if constexpr (std::constructible_from<E, std::error_code>) {
      return E(code);
    } else {
      return E(words, code);
    }
  } else if constexpr (HasEnumCode<E>) {
    return E(in.get<decltype(std::declval<const E&>().code())>());
  } else if constexpr (std::is_constructible_v<E, std::string>) {
    return E(words);
  } else if constexpr (std::is_constructible_v<E, const char*>) {
    return E(words.c_str());
  } else {
    return E();
  }
}

template <class E>
inline constexpr bool can_travel_as_exception =
    is_encodable<E> || std::is_constructible_v<E, std::string> ||
    std::is_constructible_v<E, const char*> || std::is_default_constructible_v<E> ||
    HasErrorCode<E> || HasEnumCode<E>;

/// What is done with a known type of exception, erased.
struct ExceptionTraits {
  /// The type, and those of ours and of the standard library's that stand for it.
  std::array<const std::type_info*, 5> types;
  const void* (*cast)(const std::exception& thrown);
  std::exception_ptr (*add_details)(const void* original, const ExceptionDetails& details);
  void (*encode)(const void* original, Encoder& out);  ///< null: it cannot travel
  std::exception_ptr (*remake)(Decoder& in, const std::string& words,
                               const ExceptionDetails& details);
};

template <class E>
const void* cast_exception(const std::exception& thrown) {
  if constexpr (requires { static_cast<const E*>(&thrown); }) {
    return static_cast<const E*>(&thrown);
  } else {
    return dynamic_cast<const E*>(&thrown);
  }
}

template <class E>
std::exception_ptr remake_exception(Decoder& in, const std::string& words,
                                    const ExceptionDetails& details) {
  if (details.empty())
    return std::make_exception_ptr(Remade<E>(decode_exception<E>(in, words), words));
  return std::make_exception_ptr(DetailedRemade<E>(decode_exception<E>(in, words), words, details));
}

template <class E>
ExceptionTraits exception_traits() {
  ExceptionTraits traits{};
  traits.types = {&typeid(E), &typeid(Detailed<E>), nullptr, nullptr, nullptr};
  if constexpr (!std::is_base_of_v<std::nested_exception, E>)
    traits.types[2] = &typeid(ThrownWithNested<E>);
  traits.cast = &cast_exception<E>;
  traits.add_details = [](const void* original, const ExceptionDetails& details) {
    return std::make_exception_ptr(Detailed<E>(*static_cast<const E*>(original), details));
  };
  if constexpr (can_travel_as_exception<E>) {
    traits.types[3] = &typeid(Remade<E>);
    traits.types[4] = &typeid(DetailedRemade<E>);
    traits.encode = &encode_exception<E>;
    traits.remake = &remake_exception<E>;
  }
  return traits;
}

void register_exception(const ExceptionTraits& traits);

}  // namespace detail

/// Lets exceptions of exactly the type E keep their type on every backend and carry a TaskError, as
/// the standard ones do. Without it they arrive from worker processes and nodes as a TaskError that
/// names their type and says their words; where memory is shared they pass unchanged.
///
/// E is copyable, not final and derives from std::exception. From another process its members come
/// along where it has a codec (a `serialize`); else it is made from what() or by default, and says
/// the original's words. What std::throw_with_nested has nested comes along, too.
///
/// Threads: any. Once per type and program is enough; again does no harm. For worker processes it
/// must happen in them as well: before initialize(), or while the program's globals are made.
template <class E>
requires std::derived_from<E, std::exception> && std::copy_constructible<E>
void register_exception() {
  static_assert(!std::is_final_v<E>,
                "register_exception<E>: E is final, so nothing can be nested in it");
  detail::register_exception(detail::exception_traits<E>());
}

}  // namespace paracord
