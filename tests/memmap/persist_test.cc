#include "paracord/memmap/persist.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <complex>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <vector>

#include "paracord/memmap/mapped_file.h"
#include "paracord/memmap/new_file.h"

namespace paracord {
namespace {

namespace fs = std::filesystem;

class Persist : public testing::Test {
 protected:
  Persist() {
    std::string pattern = testing::TempDir() + "persist-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Persist() override { fs::remove_all(folder_); }
  std::string path(const std::string& name) const { return folder_ / name; }
  std::string contents(const std::string& name) const {
    std::ifstream in(path(name), std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }
  void write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
  }
  template <class Use>
  static std::string refusal(Use use) {
    try {
      use();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  }
  fs::path folder_;
};

Array<double> counted(const Shape& shape, Order order = Order::c) {
  auto array = Array<double>::uninitialized(shape, order);
  std::iota(array.data(), array.data() + array.size(), 0.0);
  return array;
}
std::vector<double> elements(const Array<double>& array) {
  return std::vector<double>(array.begin(), array.end());
}

constexpr std::optional<MmapMode> all_ways[] = {std::nullopt, MmapMode::read, MmapMode::read_write,
                                                MmapMode::copy_on_write};

TEST_F(Persist, LoadsWhatItDumped) {
  for (const Order order : {Order::c, Order::fortran}) {
    for (const Shape& shape : {Shape{4, 1000}, Shape{0, 3}, Shape{}}) {
      const Array<double> array = counted(shape, order);
      dump(array, path("a.npy"));
      for (const auto mode : all_ways) {
        const auto got = load<Array<double>>(path("a.npy"), {mode});
        EXPECT_EQ(got.shape(), shape);
        EXPECT_TRUE(got.is_contiguous(order));
        EXPECT_EQ(elements(got), elements(array));
      }
    }
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1) << "a temporary file was left";
}

TEST_F(Persist, DumpsViewsWithGaps) {
  const Array<double> array = counted({4, 6});
  dump(array[{.step = -2}], path("a.npy"));
  EXPECT_EQ(elements(load<Array<double>>(path("a.npy"))),
            elements(Array<double>(array[{.step = -2}])));
}

TEST_F(Persist, WritesReachTheFileOrStay) {
  dump(counted({3}), path("a.npy"));
  auto private_copy = load<Array<double>>(path("a.npy"), {MmapMode::copy_on_write});
  private_copy(0) = 5;
  EXPECT_EQ(load<Array<double>>(path("a.npy"))(0), 0);
  auto shared = load<Array<double>>(path("a.npy"), {MmapMode::read_write});
  shared(0) = 6;
  shared.flush();
  EXPECT_EQ(load<Array<double>>(path("a.npy"))(0), 6);
  auto read_only = load<Array<double>>(path("a.npy"), {MmapMode::read});
  EXPECT_THROW(read_only(0) = 7, std::logic_error);
  EXPECT_THROW(read_only.data(), std::logic_error);
  // To read needs no const.
  EXPECT_EQ(read_only[0], 6);
  EXPECT_EQ(read_only.view()(0), 6);
  EXPECT_EQ(std::span<double>(read_only)[0], 6);
  EXPECT_THROW(load<Array<double>>(path("a.npy"), {MmapMode::write}), std::invalid_argument);
}

TEST_F(Persist, KeepsThePermissionsOfAFileThatItReplaces) {
  namespace fs = std::filesystem;
  dump(counted({3}), path("a.npy"));
  for (const auto mode : {fs::perms(0640), fs::perms(0600), fs::perms(0444)}) {
    fs::permissions(path("a.npy"), mode);
    dump(counted({4}), path("a.npy"));
    EXPECT_EQ(fs::status(path("a.npy")).permissions(), mode);
  }
  EXPECT_EQ(load<Array<double>>(path("a.npy")).size(), 4u);
}

TEST_F(Persist, TakesNamesAsLongAsTheSystemDoes) {
  const std::string name = path(std::string(251, 'n') + ".npy");
  dump(counted({3}), name);
  EXPECT_EQ(load<Array<double>>(name).size(), 3u);
}

TEST_F(Persist, ReplacesAFileThatIsMapped) {
  dump(counted({3}), path("a.npy"));
  const auto old = load<Array<double>>(path("a.npy"), {MmapMode::read});
  dump(counted({1}), path("a.npy"));
  EXPECT_EQ(old(2), 2);
  dump(old, path("a.npy"));
  EXPECT_EQ(load<Array<double>>(path("a.npy")).size(), 3u);
}

TEST_F(Persist, MakesFilesToFill) {
  auto made = create_npy<float>(path("a.npy"), {2, 3}, Order::fortran);
  made(1, 2) = 4;
  const auto got = load<Array<float>>(path("a.npy"));
  EXPECT_EQ(got(1, 2), 4);
  EXPECT_EQ(got(0, 0), 0);
  EXPECT_TRUE(got.is_contiguous(Order::fortran));
}

TEST_F(Persist, MapsFilesOfManyGigabytes) {
  const std::size_t count = (std::size_t{5} << 30) + 1;
  auto made = create_npy<std::uint8_t>(path("large.npy"), {count});
  made[count - 1] = 9;
  const auto all = load<Array<std::uint8_t>>(path("large.npy"), {MmapMode::read});
  EXPECT_EQ(all[count - 1], 9);
  const auto raw = map_raw<std::uint8_t>(path("large.npy"), {1}, {.offset = count - 1 + 128});
  EXPECT_EQ(raw(0), 9);
  struct stat about {};
  stat(path("large.npy").c_str(), &about);
  EXPECT_LT(about.st_blocks * 512, 1 << 20) << "it takes the room of what was written";
}

TEST_F(Persist, MapsRawElementsAtAnyPlace) {
  auto made = map_raw<std::int32_t>(path("raw"), {5000}, {.offset = 12, .mode = MmapMode::write});
  std::iota(made.data(), made.data() + made.size(), 0);
  EXPECT_EQ(fs::file_size(path("raw")), 20'012u);
  for (const std::uint64_t offset : {12u, 4096u, 4100u, 8196u, 20'008u}) {
    const auto got = map_raw<std::int32_t>(path("raw"), {1}, {.offset = offset});
    EXPECT_EQ(got(0), static_cast<int>(offset - 12) / 4);
  }
  EXPECT_NE(refusal([&] { map_raw<int>(path("raw"), {1}, {.offset = 2}); }).find("multiple of 4"),
            std::string::npos);
  EXPECT_NE(refusal([&] { map_raw<int>(path("raw"), {2}, {.offset = 20'008}); }).find("too few"),
            std::string::npos);
}

TEST_F(Persist, BoolsAreTrueOrFalse) {
  dump(Array<bool>({1000}), path("a.npy"));
  std::string bytes = contents("a.npy");
  bytes[bytes.size() - 7] = 2;
  write("two.npy", bytes);
  write("raw", std::string(5, '\3'));
  for (const auto mode : all_ways) {
    EXPECT_EQ(load<Array<bool>>(path("a.npy"), {mode}).size(), 1000u);
    const auto said = refusal([&] { load<Array<bool>>(path("two.npy"), {mode}); });
    EXPECT_NE(said.find("neither 0 nor 1"), std::string::npos) << said;
  }
  EXPECT_NE(refusal([&] { map_raw<bool>(path("raw"), {5}); }), "");
  // In a value, too, where what is mapped is not held against its digest.
  dump(std::vector<Array<bool>>{Array<bool>({5000})}, path("value"));
  bytes = contents("value");
  bytes[bytes.size() - 100] = 2;
  write("value", bytes);
  for (const auto mode : all_ways)
    EXPECT_NE(refusal([&] { load<std::vector<Array<bool>>>(path("value"), {mode}); }), "");
}

struct alignas(256) Wide {
  double x;
};

TEST_F(Persist, ElementsAreAlignedAsTheyNeed) {
  std::vector<Array<Wide>> values{Array<Wide>({3})};
  values[0](2) = {5};
  dump(std::pair(std::string(100, 'x'), values), path("value"));
  using Value = std::pair<std::string, std::vector<Array<Wide>>>;
  for (const auto mode : all_ways) {
    const auto check = [&] {
      const auto got = load<Value>(path("value"), {mode}).second;
      EXPECT_EQ(reinterpret_cast<std::uintptr_t>(got[0].data()) % alignof(Wide), 0u);
      EXPECT_EQ(std::as_const(got[0])(2).x, 5);
    };
    // What is written must reach the file: there it lies at any multiple of 64, or is refused.
    const std::string said = refusal(check);
    if (said != "") {
      EXPECT_EQ(mode, MmapMode::read_write) << said;
      EXPECT_NE(said.find("aligned"), std::string::npos) << said;
    }
  }
}

TEST_F(Persist, SaysWhatIsWrongWithAFile) {
  dump(counted({1000}), path("a.npy"));
  const auto mismatch = refusal([&] { load<Array<float>>(path("a.npy")); });
  EXPECT_NE(mismatch.find("holds float64, but float32"), std::string::npos) << mismatch;
  write("short.npy", contents("a.npy").substr(0, 5000));
  for (const auto mode : all_ways) {
    const auto said = refusal([&] { load<Array<double>>(path("short.npy"), {mode}); });
    EXPECT_NE(said.find("has 5000 bytes, too few for 8000 from byte 128"), std::string::npos)
        << said;
  }
  write("empty.npy", "");
  EXPECT_NE(refusal([&] { load<Array<double>>(path("empty.npy")); }), "");
  EXPECT_NE(refusal([&] { load<Array<double>>(path("none.npy")); }).find("No such file"),
            std::string::npos);
  EXPECT_NE(refusal([&] { load<Array<double>>(folder_); }).find("folder"), std::string::npos);
  EXPECT_THROW(dump(counted({1}), folder_), std::invalid_argument);
  EXPECT_THROW(dump(counted({1}), path("none/a.npy")), std::runtime_error);
}

TEST_F(Persist, TurnsForeignNumbersRound) {
  dump(Array<std::int16_t>(std::vector<std::int16_t>{1, 2}), path("a.npy"));
  std::string bytes = contents("a.npy");
  bytes[bytes.find("'<i2'") + 1] = '>';
  write("b.npy", bytes);
  EXPECT_EQ(load<Array<std::int16_t>>(path("b.npy"))(1), 512);
  const auto said = refusal([&] { load<Array<std::int16_t>>(path("b.npy"), {MmapMode::read}); });
  EXPECT_NE(said.find("other byte order"), std::string::npos) << said;
}

TEST_F(Persist, LeavesLinksAndRightsAsTheyAre) {
  dump(counted({1}), path("a.npy"));
  fs::create_symlink(path("a.npy"), path("link.npy"));
  dump(counted({2}), path("link.npy"));
  EXPECT_TRUE(fs::is_symlink(path("link.npy")));
  EXPECT_EQ(load<Array<double>>(path("a.npy")).size(), 2u);
}

TEST_F(Persist, MappedMemoryIsFound) {
  dump(counted({100}), path("a.npy"));
  const auto shared = load<Array<double>>(path("a.npy"), {MmapMode::read_write});
  const auto place = detail::find_buffer(shared.data() + 10, 80);
  ASSERT_TRUE(place.has_value());
  EXPECT_TRUE(place->is_mapped());
  EXPECT_EQ(place->buffer->offset, 128u);
  EXPECT_EQ(place->skipped, 80u);
  EXPECT_TRUE(place->is_writable());
  EXPECT_NE(place->buffer->file_number, 0u);
  const auto read_only = load<Array<double>>(path("a.npy"), {MmapMode::read});
  EXPECT_FALSE(detail::find_buffer(read_only.data(), 8)->is_writable());
  const auto private_copy = load<Array<double>>(path("a.npy"), {MmapMode::copy_on_write});
  EXPECT_FALSE(detail::find_buffer(private_copy.data(), 8).has_value());
}

}  // namespace
}  // namespace paracord
