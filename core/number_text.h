#pragma once

#include <cstddef>
#include <string>

namespace paracord::detail {

/// With so many digits behind the point, which is a point whatever the program's locale is; filled
/// up with blanks to `width`.
std::string fixed_text(double value, int digits, std::size_t width = 0);

}  // namespace paracord::detail
