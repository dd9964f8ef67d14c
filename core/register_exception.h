#pragma once

#include <concepts>
#include <exception>
#include <typeinfo>
#include <utility>

#include "paracord/core/errors.h"

namespace paracord {

namespace detail {

/// A task's exception of type E, with the TaskError nested.
template <class E>
struct Detailed final : E, std::nested_exception {
  Detailed(E original, std::nested_exception task_error)
      : E(std::move(original)), std::nested_exception(std::move(task_error)) {}
};

/// Makes a Detailed<E> from an E that is at `original`.
using AddDetail = std::exception_ptr (*)(const void* original,
                                         const std::nested_exception& task_error);

template <class E>
std::exception_ptr add_detail(const void* original, const std::nested_exception& task_error) {
  return std::make_exception_ptr(Detailed<E>(*static_cast<const E*>(original), task_error));
}

using AsException = const void* (*)(const std::exception&);
void register_exception(const std::type_info& type, AsException cast, AddDetail add);

}  // namespace detail

/// Lets exceptions of exactly the type E keep their type on every backend and carry a TaskError,
/// nested, as the standard ones do. E is copyable, not final and derives from std::exception.
///
/// Threads: any. Once per type and program is enough; again does no harm.
template <class E>
requires std::derived_from<E, std::exception> && std::copy_constructible<E>
void register_exception() {
  static_assert(!std::is_final_v<E>,
                "register_exception<E>: E is final, so nothing can be nested in it");
  detail::register_exception(
      typeid(E),
      [](const std::exception& thrown) -> const void* { return static_cast<const E*>(&thrown); },
      &detail::add_detail<E>);
}

}  // namespace paracord
