#include "paracord/testkit/random/draw.h"

#include <algorithm>

namespace paracord::testkit::random {

std::size_t draw_size(Draw& draw, std::size_t max) {
  std::size_t size = 0;
  if (draw.percent(75)) {
    size = static_cast<std::size_t>(draw.below(200));
  } else if (draw.percent(50)) {
    const auto near = static_cast<std::size_t>(draw.below(3));
    const std::size_t boundary = boundaries[draw.below(boundaries.size())];
    size = boundary + near < 1 ? 0 : boundary + near - 1;
  } else {
    // As many between 1 and 10 kB as between 10 and 100.
    const std::size_t most = std::size_t{1} << draw.between(8, 22);
    size = most / 2 + static_cast<std::size_t>(draw.below(most / 2));
  }
  return std::min(size, max);
}

}  // namespace paracord::testkit::random
