#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

namespace paracord {

/// What runs once on each worker before its first task: any callable without arguments, or a
/// delayed call. It is called from several threads, one at a time.
class Initializer {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Initializer> &&
           std::invocable<std::remove_cvref_t<F>&>)
      Initializer(F function)  // NOLINT: implicit, so that a lambda can be written in place
      : call_(&call<F>), function_(std::make_shared<F>(std::move(function))) {}

  void operator()() const { call_(function_.get()); }

 private:
  template <class F>
  static void call(void* function) {
    (*static_cast<F*>(function))();
  }
  void (*call_)(void*);
  std::shared_ptr<void> function_;  // shared: options are copied from scope to scope
};

}  // namespace paracord
