#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace paracord {

/// 128 bits that stand for a value: made by hash(). Not a secret's protection: who wants to can
/// find two values with one digest.
struct Digest {
  std::uint64_t high = 0, low = 0;

  auto operator<=>(const Digest&) const = default;
  /// 32 hexadecimal digits.
  std::string to_string() const;
};

}  // namespace paracord
