#pragma once

#include <string>
#include <string_view>

#include "paracord/memmap/shape.h"

namespace paracord::detail {

/// The header's text: a dictionary as Python writes it, with the keys descr, fortran_order and
/// shape, each once, and nothing else.
struct NpyDictionary {
  std::string descr;        ///< without quotes; of a structured type as it stands
  bool structured = false;  ///< descr is not a text
  bool fortran_order = false;
  Shape shape;
  std::string error;  ///< what is wrong, or ""
};
/// Never throws for any text, nor reads beyond it.
NpyDictionary parse_npy_dictionary(std::string_view text);

}  // namespace paracord::detail
