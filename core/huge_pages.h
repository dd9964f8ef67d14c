#pragma once

#include <cstddef>

namespace paracord::detail {

/// What memory is mapped by, at least.
inline constexpr std::size_t page_bytes = 4096;
inline constexpr std::size_t huge_page = std::size_t{2} << 20;
/// From here on a huge page that is not full is little.
inline constexpr std::size_t least_for_huge_pages = 2 * huge_page;

/// Asks for huge pages in memory that nobody has written to yet: filling it takes a fraction of the
/// page faults. A wish: without them the memory is as good, and slower.
void prefer_huge_pages(void* data, std::size_t bytes) noexcept;

/// Says to the C library's allocator, once, that large blocks come and go here. It gives freed
/// memory back to the system where the top of the heap is larger than twice the largest block that
/// was freed by then, at first 128 KiB: then each value that is decoded takes page faults, which
/// cost more than its copy. An allocator that the program has set up itself stays as it is.
void expect_large_blocks() noexcept;

}  // namespace paracord::detail
