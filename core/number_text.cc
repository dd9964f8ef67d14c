#include "paracord/core/number_text.h"

#include <charconv>

namespace paracord::detail {

std::string fixed_text(double value, int digits, std::size_t width) {
  char text[400];  // the largest has 309 digits before the point
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::fixed, digits);
  const std::string number(text, end.ptr);
  return std::string(number.size() < width ? width - number.size() : 0, ' ') + number;
}

}  // namespace paracord::detail
