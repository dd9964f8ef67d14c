#pragma once

#include <cstddef>

namespace paracord::detail {

inline constexpr std::size_t huge_page = std::size_t{2} << 20;
/// From here on a huge page that is not full is little.
inline constexpr std::size_t least_for_huge_pages = 2 * huge_page;

/// Asks for huge pages in memory that nobody has written to yet: filling it takes a fraction of the
/// page faults. A wish: without them the memory is as good, and slower.
void prefer_huge_pages(void* data, std::size_t bytes) noexcept;

}  // namespace paracord::detail
