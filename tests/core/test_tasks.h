#pragma once

#include <chrono>
#include <ranges>
#include <vector>

#include "paracord/core/delayed.h"

/// Tasks that many tests run.
namespace paracord {

inline int square(int x) {
  return x * x;
}

inline constexpr auto as_squares = std::views::transform([](int i) { return delayed<square>(i); });

inline auto squares(int count) {
  return std::views::iota(0, count) | as_squares;
}

inline std::vector<int> expected_squares(int count) {
  std::vector<int> result;
  for (int i = 0; i != count; ++i) result.push_back(i * i);
  return result;
}

inline int burn_and_return(int microseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
  return microseconds;
}

}  // namespace paracord
