#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace paracord::detail {

/// Numbers from 0 on for what runs at once, each the smallest that is free.
///
/// Threads: any.
class WorkerIndexes {
 public:
  /// Room for `count` numbers; take() must not be called more often than that without give_back().
  void prepare(std::size_t count) {
    const std::size_t words = (count + bits - 1) / bits;
    if (words > 1) more_ = std::make_unique<std::atomic<std::uint64_t>[]>(words);
  }
  int take() {
    for (int word = 0;; ++word) {
      std::uint64_t used = at(word).load(std::memory_order_relaxed);
      while (used != ~std::uint64_t{0}) {
        const int bit = std::countr_one(used);
        if (at(word).compare_exchange_weak(used, used | std::uint64_t{1} << bit,
                                           std::memory_order_relaxed)) {
          return word * bits + bit;
        }
      }
    }
  }
  void give_back(int index) {
    at(index / bits).fetch_and(~(std::uint64_t{1} << index % bits), std::memory_order_relaxed);
  }

 private:
  static constexpr int bits = 64;
  std::atomic<std::uint64_t>& at(int word) { return more_ == nullptr ? first_ : more_[word]; }
  std::atomic<std::uint64_t> first_{0};
  std::unique_ptr<std::atomic<std::uint64_t>[]> more_;
};

}  // namespace paracord::detail
