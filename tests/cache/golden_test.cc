// The folder `golden` is a cache of release 1: its entries are found and read. The variable
// PARACORD_WRITE_GOLDEN_CACHE=folder writes another one.

#include <gtest/gtest.h>

#include <complex>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "paracord/cache/memory.h"

namespace golden_cache {

namespace fs = std::filesystem;

inline int calls = 0;

struct Point {
  double x, y;
  bool operator==(const Point&) const = default;
};
enum class Colour : short { red, green };

inline double scaled(double x, int by) {
  ++calls;
  return x * by;
}
inline std::map<std::string, std::vector<Point>> drawn(const std::string& name, Point at,
                                                       std::optional<Colour> colour) {
  ++calls;
  return {{name, {at}}, {colour ? "colour" : "none", {}}};
}
inline std::vector<double> table(const paracord::Array<double>& values, std::complex<double> by) {
  ++calls;
  return {values(0) + by.real(), values(1) + by.imag()};
}

namespace {

void make_calls(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  EXPECT_EQ(memory.cache<scaled>({.name = "scaled", .version = "1"})(2.5, 3), 7.5);
  const std::map<std::string, std::vector<Point>> expected{{"a", {{1, 2}}}, {"colour", {}}};
  EXPECT_EQ(memory.cache<drawn>({.name = "drawn", .version = "1"})("a", {1, 2}, Colour::green),
            expected);
  paracord::Array<double> values({2});
  values(0) = 1;
  values(1) = 2;
  EXPECT_EQ(memory.cache<table>({.name = "table", .version = "1: of two"})(values, {10, 20}),
            (std::vector<double>{11, 22}));
  EXPECT_EQ(
      memory.cache<table>({.name = "packed", .version = "1", .compress = "zstd"})(values, {10, 20}),
      (std::vector<double>{11, 22}));
}

TEST(Golden, ACacheOfReleaseOneIsUsed) {
  const fs::path copy = testing::TempDir() + "golden-cache-" + std::to_string(getpid());
  fs::copy(GOLDEN_CACHE, copy, fs::copy_options::recursive);
  calls = 0;
  make_calls(copy);
  EXPECT_EQ(calls, 0);
  fs::remove_all(copy);
}

TEST(Golden, WritesAnotherCache) {
  const char* folder = std::getenv("PARACORD_WRITE_GOLDEN_CACHE");
  if (folder != nullptr) make_calls(folder);
}

}  // namespace
}  // namespace golden_cache
