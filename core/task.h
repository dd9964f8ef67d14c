#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "paracord/core/encoder.h"
#include "paracord/core/print_argument.h"

namespace paracord {

namespace detail {
/// Throws std::invalid_argument: the call has an argument that can only be moved.
[[noreturn]] void refuse_task_copy(std::string (*type)());
}  // namespace detail

/// A delayed call of any function with the result R, for ranges in which several functions mix.
template <class R>
class Task {
 public:
  using result_type = R;

  template <class D>
  requires(!std::same_as<std::remove_cvref_t<D>, Task>) &&
      std::same_as<typename D::result_type, R> Task(
          D delayed)  // NOLINT: implicit, so that std::vector<Task<R>>{delayed<f>(1), delayed<g>()}
                      // works
      : call_(std::make_unique<Call<D>>(std::move(delayed))) {}

  Task(Task&&) noexcept = default;
  Task& operator=(Task&&) noexcept = default;
  /// Copies the call; throws std::invalid_argument where one of its arguments cannot be copied.
  Task(const Task& other) : call_(other.call_->copy()) {}
  Task& operator=(const Task& other) {
    call_ = other.call_->copy();
    return *this;
  }

  R operator()() { return call_->run(); }
  detail::TaskText text() const { return call_->text(); }
  void encode(Encoder& out) const { call_->encode(out); }

 private:
  struct Base {
    virtual ~Base() = default;
    virtual R run() = 0;
    virtual std::unique_ptr<Base> copy() const = 0;
    virtual detail::TaskText text() const = 0;
    virtual void encode(Encoder& out) const = 0;
  };
  template <class D>
  struct Call final : Base {
    explicit Call(D delayed) : delayed(std::move(delayed)) {}
    R run() override { return delayed(); }
    std::unique_ptr<Base> copy() const override {
      if constexpr (std::is_copy_constructible_v<D>) {
        return std::make_unique<Call>(delayed);
      } else {
        detail::refuse_task_copy(&detail::type_name<D>);
      }
    }
    detail::TaskText text() const override { return delayed.text(); }
    void encode(Encoder& out) const override { delayed.encode(out); }
    D delayed;
  };
  std::unique_ptr<Base> call_;
};

namespace detail {
/// Why no call of type D can run in another process; empty where it can, or where each call has an
/// answer of its own.
template <class D>
std::string why_bound_here() {
  if constexpr (requires { D::why_bound_here(); }) {
    return D::why_bound_here();
  } else {
    return {};
  }
}

/// A delayed call, of a known function or erased.
template <class T>
concept DelayedCall = requires(T& task, const T& constant) {
  typename T::result_type;
  task();
  { constant.text() } -> std::same_as<TaskText>;
};
}  // namespace detail

}  // namespace paracord
