#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace paracord::cluster::scheduling {

inline constexpr std::uint32_t none = 0xffffffff;

/// A map from numbers to places in a table, in one piece of memory: linear probing, erasure by
/// moving back what follows.
///
/// Why not std::unordered_map: a node per entry, allocated and freed for each batch that passes.
class FlatIndex {
 public:
  std::uint32_t find(std::uint64_t key) const {
    if (size_ == 0) return none;
    for (std::size_t i = home(key);; i = next(i)) {
      if (entries_[i].value == none) return none;
      if (entries_[i].key == key) return entries_[i].value;
    }
  }
  /// The key is not there yet.
  void insert(std::uint64_t key, std::uint32_t value) {
    if ((size_ + 1) * 4 > entries_.size() * 3) resize(entries_.empty() ? 16 : entries_.size() * 2);
    place({key, value});
    ++size_;
  }
  void erase(std::uint64_t key) {
    if (size_ == 0) return;
    std::size_t hole = home(key);
    while (entries_[hole].value != none && entries_[hole].key != key) hole = next(hole);
    if (entries_[hole].value == none) return;
    for (std::size_t i = next(hole); entries_[i].value != none; i = next(i)) {
      const std::size_t wanted = home(entries_[i].key);
      const bool stays =
          hole <= i ? (hole < wanted && wanted <= i) : (hole < wanted || wanted <= i);
      if (stays) continue;
      entries_[hole] = entries_[i];
      hole = i;
    }
    entries_[hole].value = none;
    --size_;
    if (size_ * 8 < entries_.size() && entries_.size() > 64) resize(entries_.size() / 2);
  }
  std::size_t size() const { return size_; }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const Entry& entry : entries_) {
      if (entry.value != none) visit(entry.key, entry.value);
    }
  }

 private:
  struct Entry {
    std::uint64_t key = 0;
    std::uint32_t value = none;
  };
  std::size_t home(std::uint64_t key) const {
    return static_cast<std::size_t>((key * 0x9e3779b97f4a7c15u) >> 20) & (entries_.size() - 1);
  }
  std::size_t next(std::size_t i) const { return (i + 1) & (entries_.size() - 1); }
  void place(Entry entry) {
    std::size_t i = home(entry.key);
    while (entries_[i].value != none) i = next(i);
    entries_[i] = entry;
  }
  void resize(std::size_t count) {
    std::vector<Entry> old(count);
    old.swap(entries_);
    for (const Entry& entry : old) {
      if (entry.value != none) place(entry);
    }
  }

  std::vector<Entry> entries_;
  std::size_t size_ = 0;
};

}  // namespace paracord::cluster::scheduling
