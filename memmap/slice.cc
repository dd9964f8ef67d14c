#include "paracord/memmap/slice.h"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace paracord::detail {

void refuse_step(std::ptrdiff_t step, const char* remedy) {
  throw std::invalid_argument("a slice's step is " + std::to_string(step) + " here: " + remedy);
}

Indexes resolve(const Slice& slice, std::size_t length) {
  if (slice.step == 0) refuse_step(0, "give 1 for all elements, or a negative one for backwards");
  const auto size = static_cast<std::ptrdiff_t>(length);
  const bool forwards = slice.step > 0;
  // The places before the first and behind the last element that a walk can end at.
  const std::ptrdiff_t lowest = forwards ? 0 : -1;
  const std::ptrdiff_t highest = forwards ? size : size - 1;
  const auto place = [&](std::ptrdiff_t given, std::ptrdiff_t otherwise) {
    if (given == Slice::none) return otherwise;
    return std::clamp(given < 0 ? given + size : given, lowest, highest);
  };
  const std::ptrdiff_t start = place(slice.start, forwards ? lowest : highest);
  const std::ptrdiff_t stop = place(slice.stop, forwards ? highest : lowest);
  const std::ptrdiff_t distance = forwards ? stop - start : start - stop;
  if (distance <= 0) return {forwards ? start : 0, slice.step, 0};
  // By way of the unsigned type: the lowest step has no positive counterpart.
  const std::size_t step = forwards ? static_cast<std::size_t>(slice.step)
                                    : std::size_t{0} - static_cast<std::size_t>(slice.step);
  return {start, slice.step, (static_cast<std::size_t>(distance) - 1) / step + 1};
}

}  // namespace paracord::detail
