// What was written once is read for ever, and digests that stand in files and in names of cache
// entries stay. The folder `golden` was written by release 1; PARACORD_WRITE_GOLDEN=folder writes
// another one.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "paracord/tests/memmap/golden_values.h"

namespace golden {
namespace {

namespace fs = std::filesystem;

template <class T>
bool same(const T& a, const T& b) {
  return a == b;
}
template <class T>
bool same(const std::unique_ptr<T>& a, const std::unique_ptr<T>& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
}
template <class T>
bool same(const std::shared_ptr<T>& a, const std::shared_ptr<T>& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
}
template <class T>
bool same(const paracord::Array<T>& a, const paracord::Array<T>& b) {
  return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
}
template <class T>
bool same(const std::vector<paracord::Array<T>>& a, const std::vector<paracord::Array<T>>& b) {
  return a.size() == b.size() && same(a[0], b[0]) && same(a[1], b[1]);
}

std::string file_of(const std::string& name) {
  const std::string path = std::string(GOLDEN_FOLDER) + "/" + name;
  return name == "vector_large" ? path + ".zst" : path;
}

std::map<std::string, std::string> golden_digests() {
  std::map<std::string, std::string> all;
  std::ifstream in(std::string(GOLDEN_FOLDER) + "/digests.txt");
  for (std::string name, digest; in >> name >> digest;) all[name] = digest;
  return all;
}

TEST(Golden, FilesOfReleaseOneAreRead) {
  for_each_value([](const std::string& name, const auto& value) {
    using T = std::remove_cvref_t<decltype(value)>;
    try {
      EXPECT_TRUE(same(paracord::load<T>(file_of(name)), value)) << name;
    } catch (const std::exception& error) {
      ADD_FAILURE() << name << ": " << error.what();
    }
  });
}

TEST(Golden, DigestsAreThoseOfReleaseOne) {
  const auto digests = golden_digests();
  std::size_t count = 0;
  for_each_value([&](const std::string& name, const auto& value) {
    ++count;
    ASSERT_TRUE(digests.contains(name)) << name;
    EXPECT_EQ(paracord::hash(value).to_string(), digests.at(name)) << name;
  });
  EXPECT_GE(digests.size(), count);
}

TEST(Golden, WritesAnother) {
  const char* folder = std::getenv("PARACORD_WRITE_GOLDEN");
  if (folder == nullptr) return;
  fs::create_directories(folder);
  std::ofstream digests(fs::path(folder) / "digests.txt");
  for_each_value([&](const std::string& name, const auto& value) {
    paracord::dump(value, fs::path(folder) / fs::path(file_of(name)).filename());
    digests << name << " " << paracord::hash(value).to_string() << "\n";
  });
}

}  // namespace
}  // namespace golden
