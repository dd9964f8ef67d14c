#pragma once

#include <cstddef>
#include <exception>
#include <optional>
#include <utility>

namespace paracord {

namespace detail {
[[noreturn]] void rethrow(const std::exception_ptr& error);
struct Unit {};
}  // namespace detail

/// What became of one task: its value or its error. See Parallel::outcomes.
template <class R>
class [[nodiscard]] Outcome {
 public:
  using value_type = R;
  explicit Outcome(R value) : value_(std::move(value)) {}
  explicit Outcome(std::exception_ptr error) : error_(std::move(error)) {}

  bool has_value() const { return value_.has_value(); }
  explicit operator bool() const { return has_value(); }

  /// The value. Throws the task's error where there is none.
  R& value() & {
    if (!value_) detail::rethrow(error_);
    return *value_;
  }
  const R& value() const& {
    if (!value_) detail::rethrow(error_);
    return *value_;
  }
  R&& value() && { return std::move(this->value()); }

  /// The error, as the task's exception; null where there is a value.
  const std::exception_ptr& error() const { return error_; }

 private:
  std::optional<R> value_;
  std::exception_ptr error_;
};

template <>
class [[nodiscard]] Outcome<void> {
 public:
  using value_type = void;
  Outcome() = default;
  explicit Outcome(detail::Unit) {}
  explicit Outcome(std::exception_ptr error) : error_(std::move(error)) {}

  bool has_value() const { return error_ == nullptr; }
  explicit operator bool() const { return has_value(); }
  void value() const {
    if (error_) detail::rethrow(error_);
  }
  const std::exception_ptr& error() const { return error_; }

 private:
  std::exception_ptr error_;
};

}  // namespace paracord
