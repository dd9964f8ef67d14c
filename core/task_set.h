#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace paracord::cluster {

/// Some of the tasks of one batch, by their index in it. Up to 64 tasks cost no allocation.
class TaskSet {
 public:
  /// Whether it was not there before.
  bool insert(std::uint32_t task) {
    std::uint64_t& word = word_of(task);
    if ((word & bit(task)) != 0) return false;
    word |= bit(task);
    ++size_;
    return true;
  }
  /// Whether it was there.
  bool erase(std::uint32_t task) {
    if (!contains(task)) return false;
    word_of(task) &= ~bit(task);
    --size_;
    return true;
  }
  bool contains(std::uint32_t task) const {
    if (task < bits) return (first_ & bit(task)) != 0;
    const std::size_t index = task / bits - 1;
    return index < rest_.size() && (rest_[index] & bit(task)) != 0;
  }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  void clear() { *this = {}; }

 private:
  static constexpr std::uint32_t bits = 64;
  static std::uint64_t bit(std::uint32_t task) { return std::uint64_t{1} << (task % bits); }
  std::uint64_t& word_of(std::uint32_t task) {
    if (task < bits) return first_;
    const std::size_t index = task / bits - 1;
    if (index >= rest_.size()) rest_.resize(index + 1);
    return rest_[index];
  }

  std::uint64_t first_ = 0;
  std::size_t size_ = 0;
  std::vector<std::uint64_t> rest_;
};

}  // namespace paracord::cluster
