#pragma once

#include <concepts>
#include <ranges>
#include <type_traits>
#include <utility>

#include "paracord/core/outcome.h"
#include "paracord/core/task.h"

namespace paracord {

/// A promise by the caller: `range[i]` may be called from several threads at once. Tasks are then
/// made where they run, and reading the input is no bottleneck. The range is random-access and
/// sized; an lvalue is borrowed, an rvalue moved in.
template <class Range>
struct ConcurrentRange {
  Range range;
};
template <class Range>
requires std::ranges::random_access_range<Range> && std::ranges::sized_range<Range>
auto concurrent_range(Range&& range) {
  return ConcurrentRange<Range>{std::forward<Range>(range)};
}

namespace detail {

template <class T>
inline constexpr bool is_concurrent = false;
template <class R>
inline constexpr bool is_concurrent<ConcurrentRange<R>> = true;

template <class T>
struct Unwrapped {
  using Range = T;
};
template <class R>
struct Unwrapped<ConcurrentRange<R>> {
  using Range = R;
};
template <class T>
using UnwrappedRange = typename Unwrapped<std::remove_cvref_t<T>>::Range;

/// The type of the range that a call keeps: a reference to an lvalue, the range itself otherwise.
template <class T>
using KeptRange = std::conditional_t<is_concurrent<std::remove_cvref_t<T>>, UnwrappedRange<T>, T>;

template <class Range>
using TaskOf = std::remove_cvref_t<std::ranges::range_reference_t<Range>>;

/// A range of delayed calls of one result type, or one in concurrent_range().
template <class T>
concept TaskRangeArgument =
    std::ranges::input_range<KeptRange<T>> && DelayedCall<TaskOf<KeptRange<T>>>;

/// In the place of results, so that one message is all that a mistaken call says.
struct NoResults {
  template <class T>
  operator T() const;
  static const int* begin();
  static const int* end();
};
template <class T>
NoResults refuse_tasks() {
  constexpr bool are_tasks = TaskRangeArgument<T>;
  static_assert(are_tasks,
                "paracord: tasks are made by paracord::delayed: give a range of "
                "paracord::delayed<function>(arguments...), as in items | "
                "std::views::transform([](int i) { return paracord::delayed<function>(i); })");
  return {};
}

template <class T>
using ResultOf = typename TaskOf<KeptRange<T>>::result_type;

/// What is stored for a result: an empty object for void.
template <class R>
using StoredResult = std::conditional_t<std::is_void_v<R>, Unit, R>;

}  // namespace detail
}  // namespace paracord
