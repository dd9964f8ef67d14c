#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>

namespace paracord::testkit::random {

/// One well-mixed number of two.
constexpr std::uint64_t mix(std::uint64_t a, std::uint64_t b) {
  std::uint64_t z = a + 0x9e3779b97f4a7c15u * (b + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

/// Random numbers from a seed: the same ones on each machine and with each standard library, so
/// that a seed is all that a replay needs.
///
/// Threads: one.
class Draw {
 public:
  explicit Draw(std::uint64_t seed) : state_(seed) {}

  std::uint64_t bits() { return mix(seed_counter_++, state_); }
  /// From 0 to `count` − 1; 0 where that is 0.
  std::uint64_t below(std::uint64_t count) { return count == 0 ? 0 : bits() % count; }
  /// From `first` to `last`.
  int between(int first, int last) {
    return first + static_cast<int>(below(static_cast<std::uint64_t>(last - first) + 1));
  }
  bool percent(unsigned chance) { return below(100) < chance; }
  template <class T>
  T one_of(std::initializer_list<T> values) {
    return values.begin()[below(values.size())];
  }

 private:
  std::uint64_t state_;
  std::uint64_t seed_counter_ = 0;
};

/// Sizes in bytes at which the library changes its way: what goes inline on a cluster, a ring's
/// largest record, a page and the arena's chunk, a ring, what is shared by default, the largest
/// batch in one message. One byte less, just that, and one more are drawn more often than what lies
/// between.
inline constexpr std::array<std::size_t, 10> boundaries{
    0, 64, 4096, 16 << 10, 24 << 10, 256 << 10, 512 << 10, 1024 << 10, 2 << 20, 4 << 20};

/// A size up to `max`: most are small, one in eight lies at a boundary.
std::size_t draw_size(Draw& draw, std::size_t max);

}  // namespace paracord::testkit::random
