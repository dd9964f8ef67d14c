#pragma once

#include <cstdint>
#include <string>

#include "paracord/core/entry.h"
#include "paracord/core/errors.h"

namespace paracord::detail {

/// Registers the function F, so that its place in its module can be told.
template <auto F>
struct CachedEntry {
  static void run_encoded(Decoder&, Encoder&, Phase&) {
    throw SerializationError("a cached function is no task by itself");
  }
};

/// What stands for the code of a function: the digest of the file that it was loaded from, and its
/// place there. Code in libraries that this file links does not count.
///
/// Threads: any. Reads the file once in the life of the program.
/// Errors: std::runtime_error where the file was replaced since it was loaded.
std::string function_identity(std::uint64_t entry_reference);

}  // namespace paracord::detail
