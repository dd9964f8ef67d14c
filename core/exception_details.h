#pragma once

#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "paracord/core/errors.h"

/// Exceptions of the user's types, as they reach a caller.
namespace paracord::detail {

/// What an exception carries on its way to a caller, besides what it says itself.
struct ExceptionDetails {
  std::shared_ptr<const TaskError> task_error;  ///< null: it did not leave a task
  std::exception_ptr nested;                    ///< by who threw it; null: nothing
  bool empty() const { return task_error == nullptr && nested == nullptr; }
};

/// Finds the details in an exception of any type.
class DetailsCarrier {
 public:
  explicit DetailsCarrier(ExceptionDetails details) : details_(std::move(details)) {}
  virtual ~DetailsCarrier() = default;
  const ExceptionDetails& details() const { return details_; }

 private:
  ExceptionDetails details_;
};

/// With what is nested in an exception of these details: they are not empty.
std::nested_exception nesting(const ExceptionDetails& details);

/// The base in which others find what is nested; E may have one already.
struct OwnNesting {
  explicit OwnNesting(const std::nested_exception&) {}
};
template <class E>
using Nesting = std::conditional_t<std::is_base_of_v<std::nested_exception, E>, OwnNesting,
                                   std::nested_exception>;

/// A task's exception of type E, with details.
template <class E>
struct Detailed final : E, Nesting<E>, DetailsCarrier {
  Detailed(E original, const ExceptionDetails& details)
      : E(std::move(original)), Nesting<E>(nesting(details)), DetailsCarrier(details) {}
};

/// One that was thrown in another process: made anew from what travelled, with the words of the
/// original.
template <class E>
struct Remade : E {
  Remade(E like, std::string words) : E(std::move(like)), words(std::move(words)) {}
  const char* what() const noexcept override { return words.c_str(); }
  std::string words;
};
template <class E>
struct DetailedRemade final : Remade<E>, Nesting<E>, DetailsCarrier {
  DetailedRemade(E like, std::string words, const ExceptionDetails& details)
      : Remade<E>(std::move(like), std::move(words)),
        Nesting<E>(nesting(details)),
        DetailsCarrier(details) {
    if constexpr (std::is_base_of_v<std::nested_exception, E>)
      static_cast<std::nested_exception&>(*this) = nesting(details);
  }
};

/// What std::throw_with_nested throws for an E.
#ifdef _LIBCPP_VERSION
template <class E>
using ThrownWithNested = std::__nested<E>;
#else
template <class E>
using ThrownWithNested = std::_Nested_exception<E>;
#endif

}  // namespace paracord::detail
