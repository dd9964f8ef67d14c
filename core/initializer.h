#pragma once

#include <concepts>
#include <memory>
#include <type_traits>
#include <utility>

#include "paracord/core/delayed.h"

namespace paracord {

/// What runs once on each worker before its first task: any callable without arguments, or a
/// delayed call. It is called from several threads, one at a time.
class Initializer {
 public:
  template <class F>
  requires(!std::same_as<std::remove_cvref_t<F>, Initializer> &&
           std::invocable<std::remove_cvref_t<F>&>)
      Initializer(F function)  // NOLINT: implicit, so that a lambda can be written in place
      : call_(&call<F>),
        encode_(&encode_call<F>),
        function_(std::make_shared<F>(std::move(function))) {}

  void operator()() const { call_(function_.get()); }

  /// For workers in other processes: as a task's encode(). Throws SerializationError for a closure.
  void encode(Encoder& out) const { encode_(function_.get(), out); }

 private:
  template <class F>
  static void call(void* function) {
    (*static_cast<F*>(function))();
  }
  template <class F>
  static void encode_call(const void* function, Encoder& out) {
    const F& f = *static_cast<const F*>(function);
    if constexpr (requires { f.encode(out); }) {
      f.encode(out);
    } else if constexpr (detail::HasSignature<F> && std::is_copy_constructible_v<F>) {
      delayed(f).encode(out);
    } else {
      detail::refuse_to_encode("the initializer cannot run in another process: " +
                               detail::type_name<F>() + " has no single signature");
    }
  }
  void (*call_)(void*);
  void (*encode_)(const void*, Encoder&);
  std::shared_ptr<void> function_;  // shared: options are copied from scope to scope
};

}  // namespace paracord
