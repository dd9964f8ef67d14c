#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "paracord/scheduler/flat_index.h"

namespace paracord::cluster::scheduling {

/// The least loaded of many nodes at any time: a tournament. A change costs one comparison for each
/// doubling of their number.
class LoadTree {
 public:
  static constexpr std::uint32_t unavailable = 0xffffffff;

  void set(std::uint32_t node, std::uint32_t load) {
    while (node >= leaves_) grow();
    if (tree_[leaves_ + node] == load) return;
    tree_[leaves_ + node] = load;
    for (std::size_t i = (leaves_ + node) / 2; i != 0; i /= 2) {
      const std::uint32_t least = std::min(tree_[2 * i], tree_[2 * i + 1]);
      if (tree_[i] == least) return;
      tree_[i] = least;
    }
  }
  std::uint32_t load_of(std::uint32_t node) const { return tree_[leaves_ + node]; }
  /// `none`: no node is available.
  std::uint32_t least() const {
    if (tree_[1] == unavailable) return none;
    std::size_t i = 1;
    while (i < leaves_) i = tree_[2 * i] == tree_[1] ? 2 * i : 2 * i + 1;
    return static_cast<std::uint32_t>(i - leaves_);
  }

 private:
  void grow() {
    std::vector<std::uint32_t> old(tree_.begin() + static_cast<std::ptrdiff_t>(leaves_),
                                   tree_.end());
    leaves_ *= 2;
    tree_.assign(2 * leaves_, unavailable);
    for (std::size_t i = 0; i != old.size(); ++i) tree_[leaves_ + i] = old[i];
    for (std::size_t i = leaves_ - 1; i != 0; --i)
      tree_[i] = std::min(tree_[2 * i], tree_[2 * i + 1]);
  }

  std::size_t leaves_ = 1;
  std::vector<std::uint32_t> tree_ = {unavailable, unavailable};  ///< the root at 1
};

}  // namespace paracord::cluster::scheduling
