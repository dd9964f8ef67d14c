#pragma once

#include <type_traits>

/// What a function takes and gives, deduced from its type: functions, members, lambdas, functors.
namespace paracord::detail {

template <class...>
struct TypeList {
  static constexpr bool empty = false;
};

template <class T>
struct Signature {
};  // no `Result`: not a callable of one signature (a generic lambda, an overload set)

template <class R, class... P>
struct Signature<R(P...)> {
  using Result = std::remove_cv_t<R>;  // `const std::string f()` gives a std::string
  using Parameters = TypeList<P...>;
};
template <class R, class... P>
struct Signature<R(P...) noexcept> : Signature<R(P...)> {};
template <class F>
struct Signature<F*> : Signature<F> {};

// A member function takes its object first: a copy for `const`, the caller's own by pointer or
// std::ref.
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)> : Signature<R(C&, P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const> : Signature<R(const C&, P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...)&> : Signature<R(C&, P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const&> : Signature<R(const C&, P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) noexcept> : Signature<R(C&, P...)> {};
template <class C, class R, class... P>
struct Signature<R (C::*)(P...) const noexcept> : Signature<R(const C&, P...)> {};

template <class M>
struct CallOperator {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...)> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) noexcept> : Signature<R(P...)> {};
template <class C, class R, class... P>
struct CallOperator<R (C::*)(P...) const noexcept> : Signature<R(P...)> {};

template <class T>
requires requires {
  &T::operator();
}
struct Signature<T> : CallOperator<decltype(&T::operator())> {};

template <class F>
concept HasSignature = requires {
  typename Signature<std::remove_cv_t<F>>::Result;
};

}  // namespace paracord::detail
