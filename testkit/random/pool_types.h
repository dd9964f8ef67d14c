#pragma once

#include <cstddef>
#include <cstdint>

#include "paracord/core/codec.h"
#include "paracord/testkit/random/digest.h"
#include "paracord/testkit/random/make.h"

/// Types that stand in each pool of the random calls.
namespace paracord::testkit::random {

enum class Colour : std::uint8_t { red, green, blue };

/// Bytes of it are padding, which may hold anything.
struct Point {
  double x = 0;
  std::uint8_t tag = 0;
  std::uint64_t digest() const { return mix(random::digest(x), tag); }
  static Point make(Maker& maker) {
    return {random::make<double>(maker), random::make<std::uint8_t>(maker)};
  }
};

/// As large as a vector register, and aligned like one.
struct alignas(32) Wide {
  double values[4]{};
  std::uint64_t digest() const {
    const auto* at = values;
    // Where it is not aligned, instructions that rely on it would fault somewhere else.
    const bool aligned = reinterpret_cast<std::uintptr_t>(this) % alignof(Wide) == 0;
    return mix(detail::digest_bytes(at, sizeof values, 43), aligned ? 0 : 1);
  }
  static Wide make(Maker& maker) {
    Wide made;
    for (double& value : made.values) value = random::make<double>(maker);
    return made;
  }
};

/// Has no members: it travels as nothing.
struct Nothing {
  std::uint64_t digest() const { return 47; }
  static Nothing make(Maker&) { return {}; }
};

}  // namespace paracord::testkit::random
