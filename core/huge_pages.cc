#include "paracord/core/huge_pages.h"

#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>

namespace paracord::detail {

// What is not a whole huge page at either end stays as it is: it may hold the neighbours' memory.
void prefer_huge_pages(void* data, std::size_t bytes) noexcept {
  if (bytes < least_for_huge_pages) return;
  const auto first = reinterpret_cast<std::uintptr_t>(data);
  const std::uintptr_t begin = (first + huge_page - 1) / huge_page * huge_page;
  const std::uintptr_t end = (first + bytes) / huge_page * huge_page;
  if (begin < end) (void)madvise(reinterpret_cast<void*>(begin), end - begin, MADV_HUGEPAGE);
}

void expect_large_blocks() noexcept {
  constexpr std::size_t large_block = std::size_t{16} << 20;
  static const bool said = [] {
    void* volatile block = std::malloc(large_block);  // nobody writes to it: it has no pages
    std::free(block);
    return true;
  }();
  (void)said;
}

}  // namespace paracord::detail
