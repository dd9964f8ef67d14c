/// Whether a test may fork while other threads allocate.
#pragma once

namespace paracord {

/// False where the sanitizer's runtime does not take its allocator's locks around a fork (GCC
/// before 14): if another thread holds one at that moment, the child waits for it for ever, in
/// malloc.
constexpr bool children_can_allocate =
#if (defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)) && __GNUC__ < 14
    false;
#else
    true;
#endif

}  // namespace paracord
