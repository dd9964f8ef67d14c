#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "paracord/memmap/digest.h"
#include "paracord/memmap/hash_stream.h"
#include "paracord/memmap/hash_value.h"
#include "paracord/memmap/type_text.h"

namespace paracord {

/// Stands for a value: equal for values that are equal, of the same type, whatever machine,
/// compiler or run they are met in. For any value that has a codec, and for views.
///
/// - 1, 1.0 and true differ; so do a list and a tuple, text and bytes. Numbers count by their bits:
///   0.0 and -0.0 differ.
/// - Unordered containers count in any order.
/// - Arrays count by element type, shape, order (C or Fortran) and elements, wherever they lie: one
///   that is mapped is one on the heap, and a view is the array that it looks at.
/// - Types with a codec of their own count by what it writes.
///
/// Contiguous elements are not copied. What never changes again (an Array after freeze(), a sealed
/// file) is read once in the life of the program.
///
/// Threads: any.
/// Errors: SerializationError for what cannot be encoded, such as a std::variant without a value.
template <class T>
Digest hash(const T& value) {
  static_assert(detail::is_encodable<T>,
                "hash: this type has no codec; specialise paracord::Codec, or give it `serialize`");
  detail::HashStream stream;
  detail::hash_with_type(stream, value);
  return stream.finish();
}

}  // namespace paracord
