#pragma once

#include <cstddef>
#include <limits>
#include <span>

namespace paracord {

/// Every `step`-th index from `start` to before `stop`, as Python's slices: a negative one counts
/// from the end, what is beyond the ends is cut off, what is not given means "from the first" or
/// "to behind the last" (for a negative step the other way round). Travels as plain bytes.
///
/// Example: `Slice{.stop = -1}` is all but the last; `Slice{.step = -1}` is all, backwards.
struct Slice {
  /// What stands for Python's None.
  static constexpr std::ptrdiff_t none = std::numeric_limits<std::ptrdiff_t>::min();
  static const Slice all;

  std::ptrdiff_t start = none;
  std::ptrdiff_t stop = none;
  std::ptrdiff_t step = 1;

  bool operator==(const Slice&) const = default;
};
inline constexpr Slice Slice::all{};

namespace detail {

[[noreturn]] void refuse_step(std::ptrdiff_t step, const char* remedy);

/// A slice of a length: the indexes start + i · step for i < count.
struct Indexes {
  std::ptrdiff_t start = 0;
  std::ptrdiff_t step = 1;
  std::size_t count = 0;
};

/// Throws std::invalid_argument for a step of zero.
Indexes resolve(const Slice& slice, std::size_t length);

}  // namespace detail

/// The elements that a slice of step 1 names; throws std::invalid_argument for another step.
template <class T>
std::span<T> subspan(std::span<T> span, const Slice& slice) {
  if (slice.step != 1)
    detail::refuse_step(slice.step, "slice an ArrayView, which can have strides");
  const detail::Indexes indexes = detail::resolve(slice, span.size());
  return span.subspan(static_cast<std::size_t>(indexes.start), indexes.count);
}

}  // namespace paracord
