#pragma once

#include <cstdint>
#include <string>

#include "paracord/cache/cache.h"

namespace paracord::detail {

/// Writes the result of a call as an entry; returns its bytes. Throws what the store and the codec
/// throw.
std::uint64_t write_entry(Reservation& to, EntryInfo info, const std::string& compress,
                          const CallFrame& frame);

}  // namespace paracord::detail
