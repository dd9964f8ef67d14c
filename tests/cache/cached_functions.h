#pragma once

// Functions to be cached, and a folder for them.

#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/cache/memory.h"

namespace paracord::cache_test {

namespace fs = std::filesystem;

inline std::atomic<int> calls = 0;

inline double twice(double x) {
  ++calls;
  return 2 * x;
}
inline int difference(int a, int b) {
  ++calls;
  return a - b;
}
inline std::vector<double> repeated(std::string word, const std::vector<double>& values,
                                    int verbose) {
  ++calls;
  return std::vector<double>(values.size() * word.size() + static_cast<std::size_t>(verbose) * 0,
                             1.5);
}
inline Array<double> counted(std::size_t count) {
  ++calls;
  Array<double> array({count});
  for (std::size_t i = 0; i != count; ++i) array[i] = static_cast<double>(i);
  return array;
}
inline int failing(int x) {
  ++calls;
  if (x < 0) throw std::domain_error("negative");
  return x;
}
inline double sum_of(ArrayView<const double> values) {
  ++calls;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}
inline std::size_t size_of_map(const std::unordered_map<std::string, int>& map) {
  ++calls;
  return map.size();
}
inline std::unique_ptr<int> boxed(std::unique_ptr<int> x) {
  ++calls;
  return std::make_unique<int>(*x + 1);
}
struct CachedModel {
  double slope;
  double at(double x) const {
    ++calls;
    return slope * x;
  }
};
inline bool accept = true;
inline bool accepted(const EntryInfo&) {
  return accept;
}
inline int depth_of(int depth);
inline Memory* nested_memory = nullptr;
inline int depth_of(int depth) {
  ++calls;
  return depth == 0 ? 0 : 1 + nested_memory->cache<depth_of>()(depth - 1);
}

class FreshCache {
 public:
  FreshCache() {
    std::string pattern = testing::TempDir() + "memory-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    calls = 0;
  }
  ~FreshCache() { fs::remove_all(folder_); }
  std::string cache() const { return folder_ / "cache"; }
  const fs::path& folder() const { return folder_; }

  std::vector<fs::path> files() const {
    std::vector<fs::path> all;
    for (const auto& file : fs::recursive_directory_iterator(cache())) {
      const std::string name = file.path().filename();
      if (file.is_regular_file() && name != "CACHEDIR.TAG" && name != ".gitignore")
        all.push_back(file.path());
    }
    return all;
  }

 private:
  fs::path folder_;
};

template <class Use>
std::string refusal(Use use) {
  try {
    use();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "";
}

}  // namespace paracord::cache_test
