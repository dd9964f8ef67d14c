#pragma once

#include <tuple>
#include <type_traits>
#include <utility>

#include "paracord/core/argument.h"
#include "paracord/core/copyable.h"
#include "paracord/core/signature.h"
#include "paracord/core/travel.h"

namespace paracord {

namespace detail {

/// A function named at compile time, as a callable without state.
template <auto F>
struct Named {
  using Callable = std::remove_cv_t<decltype(F)>;
  static constexpr bool travels = true;
  static std::string name() { return value_name<F>(); }
  void encode(Encoder&) const {}
  static Named decode(Decoder&) { return {}; }
  template <class... Args>
  decltype(auto) operator()(Args&&... args) const {
    return std::invoke(F, std::forward<Args>(args)...);
  }
};

/// A callable that travels with its state: a closure, a functor, a pointer known at run time.
template <class F>
struct Held {
  using Callable = F;
  static constexpr bool travels = is_encodable<F>;
  static std::string name() { return type_name<F>(); }
  void encode(Encoder& out) const { detail::encode(out, function); }
  static Held decode(Decoder& in) { return {detail::decode<F>(in)}; }
  template <class... Args>
  decltype(auto) operator()(Args&&... args) {
    return std::invoke(std::move(function), std::forward<Args>(args)...);
  }
  F function;
};

/// Throws std::invalid_argument: a null pointer, or an empty std::function.
[[noreturn]] void refuse_null_callable(std::string (*type)());

template <class F>
concept Nullable = std::is_pointer_v<F> || std::is_member_pointer_v<F> || requires(F& f) {
  f = nullptr;
  static_cast<bool>(f == nullptr);
};

/// A call that has not been made: a function and its arguments. Made by delayed(), run once by a
/// backend.
///
/// Copyable where its arguments are. `result_type` is what the function returns.
template <class Function, class Parameters, class... Kept>
class Delayed;

template <class Function, class... P, class... Kept>
class Delayed<Function, TypeList<P...>, Kept...> {
 public:
  using result_type = typename Signature<typename Function::Callable>::Result;
  static constexpr bool copies =
      std::is_copy_constructible_v<Function> && (is_copyable<Kept>() && ...);

  template <class... A>
  explicit Delayed(Function function, A&&... arguments)
      : function_(std::move(function)), arguments_(std::forward<A>(arguments)...) {}
  Delayed(Delayed&&) = default;
  Delayed& operator=(Delayed&&) = default;
  Delayed(const Delayed&) requires copies = default;
  Delayed& operator=(const Delayed&) requires copies = default;

  /// Makes the call, here and now. Arguments taken by value are moved out: call it once.
  result_type operator()() {
    return std::apply(
        [this](Kept&... kept) -> result_type { return function_(pass_argument<P>(kept)...); },
        arguments_);
  }

  /// The function's name and the arguments, for messages.
  TaskText text() const {
    TaskText text{Function::name(), {}};
    std::apply(
        [&text](const Kept&... kept) {
          [[maybe_unused]] const char* separator = "";
          ((text.arguments += separator, print_stored<P>(text.arguments, kept), separator = ", "),
           ...);
        },
        arguments_);
    return text;
  }

  /// Whether it can run in another process, and why not.
  static constexpr bool travels =
      Function::travels && (argument_travels<Kept> && ...) && result_travels<result_type>;
  static std::string why_bound_here() {
    if constexpr (travels) return {};
    std::string why;
    if constexpr (!Function::travels) {
      why = "the callable " + Function::name() + " is a closure or an object without a codec" +
            " (name a function instead, delayed<function>(arguments…), and pass what it captures " +
            "as arguments): " + why_not_encodable<typename Function::Callable>();
    } else {
      ((why.empty() ? void(why = why_argument_is_bound_here<Kept>()) : void()), ...);
      if (why.empty()) why = why_result_is_bound_here<result_type>();
    }
    return "the task " + Function::name() + " cannot run in another process: " + why;
  }

  /// Names the function and writes the arguments. Throws SerializationError where it cannot travel.
  void encode(Encoder& out) const {
    if constexpr (travels) {
      out.put(EntryOf<Delayed>::entry.reference());
      function_.encode(out);
      std::apply([&out](const Kept&... kept) { (encode_argument(out, kept), ...); }, arguments_);
    } else {
      refuse_to_encode(why_bound_here());
    }
  }

  /// The other end of encode(): makes the call, and writes its result.
  static void run_encoded(Decoder& in, Encoder& out, Phase& phase) {
    phase = Phase::decoding_arguments;
    Function function = Function::decode(in);
    // Braces: the arguments are decoded in order.
    std::tuple<Received<Kept>...> received{decode_argument<Kept>(in)...};
    std::apply(
        [&](Received<Kept>&... arguments) {
          phase = Phase::running;
          if constexpr (std::is_void_v<result_type>) {
            function(pass_argument<P>(arguments)...);
          } else {
            const result_type result = function(pass_argument<P>(arguments)...);
            phase = Phase::encoding_result;
            detail::encode(out, result);
          }
        },
        received);
  }

 private:
  [[no_unique_address]] Function function_;
  std::tuple<Kept...> arguments_;
};

template <class F>
constexpr void check_function() {
  static_assert(
      HasSignature<F>,
      "delayed: the callable has no single signature (a generic lambda or an overload set). Give "
      "the lambda's parameters types, or choose an overload with static_cast.");
  if constexpr (HasSignature<F>) {
    using Result = typename Signature<F>::Result;
    static_assert(!std::is_reference_v<Result>,
                  "delayed: the function returns a reference; what it refers to may be gone when "
                  "the result is "
                  "read. Return a value.");
    static_assert(!is_view<std::remove_cv_t<Result>>,
                  "delayed: the function returns a view; what it looks at may be gone when the "
                  "result is read. "
                  "Return an owning type.");
  }
}

template <class Function, class... P, std::size_t... position, class... A>
auto make_delayed(Function function, TypeList<P...>, std::index_sequence<position...>,
                  A&&... arguments) {
  static_assert(sizeof...(P) == sizeof...(A),
                "delayed: the number of arguments is not what the function takes.");
  if constexpr (sizeof...(P) == sizeof...(A)) {
    (check_argument<P, A>(), ...);
    return Delayed<Function, TypeList<P...>, typename Stored<P, A>::Type...>(
        std::move(function), store_argument<P>(std::forward<A>(arguments), position)...);
  }
}

template <class F>
constexpr bool signature_travels() {
  if constexpr (HasSignature<F>) {
    return parameters_travel(typename Signature<F>::Parameters{}) &&
           result_travels<typename Signature<F>::Result>;
  }
  return false;
}

}  // namespace detail

/// Whether calls of the function F can run in another process: its parameters and its result have
/// codecs. For static_assert(paracord::travels<f>), where a program relies on it.
template <auto F>
inline constexpr bool travels = detail::signature_travels<std::remove_cv_t<decltype(F)>>();

/// Names the call F(arguments…), to be made by a backend: `delayed<slow_mean>(data, window)`. F is
/// a function, a member function, or a captureless lambda; an overload is chosen with static_cast.
/// It can run anywhere.
///
/// Arguments are stored as F's decayed parameter types: values are copied or moved; a view
/// (std::span, std::string_view) borrows, and what it looks at must outlive the call; std::cref(x)
/// borrows for a `const T&` parameter, std::ref(x) for a `T&` one. Results that are views or
/// references do not compile.
///
/// Errors: std::invalid_argument for a container over max_nbytes that would be copied for a `const
/// T&` parameter: pass std::cref(x) to borrow it, or paracord::copy(x).
template <auto F, class... A>
auto delayed(A&&... arguments) {
  using Callable = std::remove_cv_t<decltype(F)>;
  detail::check_function<Callable>();
  if constexpr (detail::HasSignature<Callable>) {
    return detail::make_delayed(detail::Named<F>{},
                                typename detail::Signature<Callable>::Parameters{},
                                std::index_sequence_for<A...>{}, std::forward<A>(arguments)...);
  }
}

/// The same for any callable: a closure, a functor, a pointer chosen at run time. It is stored by
/// value.
///
/// Errors: as above, and std::invalid_argument for a null pointer or an empty std::function.
template <class F, class... A>
auto delayed(F&& callable, A&&... arguments) {
  using Callable = std::decay_t<F>;
  detail::check_function<Callable>();
  if constexpr (detail::Nullable<Callable>) {
    if (callable == nullptr) detail::refuse_null_callable(&detail::type_name<Callable>);
  }
  if constexpr (detail::HasSignature<Callable>) {
    return detail::make_delayed(detail::Held<Callable>{std::forward<F>(callable)},
                                typename detail::Signature<Callable>::Parameters{},
                                std::index_sequence_for<A...>{}, std::forward<A>(arguments)...);
  }
}

}  // namespace paracord
