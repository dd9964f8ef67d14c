#pragma once

#include <cstddef>
#include <cstring>

namespace paracord::detail {

inline constexpr std::size_t least_for_careful_copy = 4096;

/// As memcpy(), by a way that no pair of addresses makes slow. For `bytes` from
/// least_for_careful_copy on.
void copy_large(void* to, const void* from, std::size_t bytes) noexcept;

/// As memcpy(), for contents of any length.
inline void copy_bytes(void* to, const void* from, std::size_t bytes) noexcept {
  if (bytes >= least_for_careful_copy) return copy_large(to, from, bytes);
  std::memcpy(to, from, bytes);
}

}  // namespace paracord::detail
