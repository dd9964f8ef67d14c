#include "paracord/memmap/value_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>
#include <csignal>

#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "paracord/core/errors.h"
#include "paracord/memmap/persist.h"
#include "paracord/memmap/value_format.h"

namespace paracord {

struct FiledModel {
  std::string name;
  std::vector<double> weights;
  Array<float> image;
  std::map<std::string, Array<double>> tables;
  std::optional<int> seed;
};

struct FiledView {
  std::span<const double> values;
};

namespace {

namespace fs = std::filesystem;

class ValueFile : public testing::Test {
 protected:
  ValueFile() {
    std::string pattern = testing::TempDir() + "value-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~ValueFile() override { fs::remove_all(folder_); }
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

template <class T>
Array<T> counted(const Shape& shape, Order order = Order::c) {
  auto array = Array<T>::uninitialized(shape, order);
  std::iota(array.data(), array.data() + array.size(), T(0));
  return array;
}

FiledModel model() {
  return {"net",
          std::vector<double>(20'000, 1.25),
          counted<float>({7, 11}, Order::fortran),
          {{"a", counted<double>({3})}, {"b", counted<double>({100, 100})}, {"none", {}}},
          42};
}

void expect_model(const FiledModel& got) {
  const FiledModel want = model();
  EXPECT_EQ(got.name, want.name);
  EXPECT_EQ(got.weights, want.weights);
  EXPECT_EQ(got.image.shape(), want.image.shape());
  EXPECT_TRUE(got.image.is_contiguous(Order::fortran));
  EXPECT_TRUE(std::equal(got.image.begin(), got.image.end(), want.image.begin()));
  ASSERT_EQ(got.tables.size(), 3u);
  EXPECT_TRUE(std::equal(got.tables.at("b").begin(), got.tables.at("b").end(),
                         want.tables.at("b").begin()));
  EXPECT_EQ(got.tables.at("none").size(), 0u);
  EXPECT_EQ(got.seed, want.seed);
}

TEST_F(ValueFile, GoesThereAndBack) {
  dump(model(), path("model"));
  for (const std::optional<MmapMode> mode :
       {std::optional<MmapMode>(), std::optional(MmapMode::read),
        std::optional(MmapMode::read_write), std::optional(MmapMode::copy_on_write)}) {
    expect_model(load<FiledModel>(path("model"), {.mmap_mode = mode}));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
  for (const char* name : {"zlib", "gzip", "bz2", "xz", "lz4", "zstd"}) {
    dump(model(), path("model"), {.compress = name});
    expect_model(load<FiledModel>(path("model")));
  }
  dump(3.5, path("number"));
  EXPECT_EQ(load<double>(path("number")), 3.5);
}

TEST_F(ValueFile, ArraysInItAreMappedWhereTheyLie) {
  dump(model(), path("model"));
  const auto got = load<FiledModel>(path("model"), {.mmap_mode = MmapMode::read});
  for (const auto& [name, array] : got.tables) {
    if (array.empty()) continue;
    const auto held = detail::find_buffer(array.data(), array.bytes());
    ASSERT_TRUE(held) << name;
    EXPECT_TRUE(held->is_mapped());
    EXPECT_EQ(held->buffer->offset % 64, 0u);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(array.data()) % 64, 0u);
    EXPECT_FALSE(array.is_writable());
  }
}

TEST_F(ValueFile, WritesReachTheFileOrStay) {
  dump(model(), path("model"));
  auto copy = load<FiledModel>(path("model"), {.mmap_mode = MmapMode::copy_on_write});
  copy.tables.at("a")(0) = 5;
  EXPECT_EQ(std::as_const(load<FiledModel>(path("model")).tables.at("a"))(0), 0);
  auto shared = load<FiledModel>(path("model"), {.mmap_mode = MmapMode::read_write});
  shared.tables.at("a")(0) = 6;
  shared.tables.at("a").flush();
  EXPECT_EQ(std::as_const(load<FiledModel>(path("model")).tables.at("a"))(0), 6);
}

TEST_F(ValueFile, SaysWhatItHolds) {
  dump(std::vector<double>{1}, path("a"));
  EXPECT_NE(refusal([&] {
              load<std::vector<float>>(path("a"));
            }).find("it holds a vector<float64>, but a vector<float32> was asked for"),
            std::string::npos);
  EXPECT_NE(refusal([&] { load<double>(path("none")); }).find("No such file"), std::string::npos);
  dump(counted<double>({3}), path("array.npy"));
  EXPECT_NE(refusal([&] { load<double>(path("array.npy")); }).find("holds no value"),
            std::string::npos);
  EXPECT_THROW(load<double>(path("a"), {.mmap_mode = MmapMode::write}), std::invalid_argument);
  EXPECT_THROW(load<std::vector<double>>(path("a"), {.max_bytes = 4}), std::runtime_error);
}

TEST_F(ValueFile, RefusesViews) {
  const std::vector<double> values(3);
  EXPECT_THROW(dump(FiledView{values}, path("a")), SerializationError);
  EXPECT_FALSE(fs::exists(path("a")));
}

TEST_F(ValueFile, AnyChangedByteIsAnError) {
  dump(model(), path("model"));
  const std::string whole = contents("model");
  for (std::size_t at = 0; at < whole.size(); at += at < 1000 ? 1 : 997) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write("damaged", damaged);
    const std::string what = refusal([&] { expect_model(load<FiledModel>(path("damaged"))); });
    // Between the parts there are zeros that nobody reads.
    if (what.empty()) {
      EXPECT_EQ(whole[at], '\0') << at;
    } else {
      EXPECT_NE(what.find("damaged'"), std::string::npos) << what;
    }
  }
}

TEST_F(ValueFile, ShortAndLongFilesAreErrors) {
  dump(model(), path("model"));
  const std::string whole = contents("model");
  for (std::size_t length = 0; length < whole.size(); length += length < 600 ? 1 : 4999) {
    write("short", whole.substr(0, length));
    for (const std::optional<MmapMode> mode :
         {std::optional<MmapMode>(), std::optional(MmapMode::read)})
      EXPECT_NE(refusal([&] { load<FiledModel>(path("short"), {.mmap_mode = mode}); }), "")
          << length;
  }
  write("long", whole + "x");
  EXPECT_NE(refusal([&] { load<FiledModel>(path("long")); }), "");
  dump(model(), path("compressed"), {.compress = "zstd"});
}

// A header that is right in itself may still ask for anything.
TEST_F(ValueFile, HostileHeadersAreErrors) {
  dump(std::vector<double>(10), path("a"));
  const std::string whole = contents("a");
  const auto forged = [&](auto change) {
    detail::ValueHeader header;
    std::memcpy(&header, whole.data(), sizeof header);
    change(header);
    header.check = detail::check_of(header);
    std::string bytes = whole;
    std::memcpy(bytes.data(), &header, sizeof header);
    write("forged", bytes);
    return refusal([&] { load<std::vector<double>>(path("forged")); });
  };
  EXPECT_EQ(forged([](auto&) {}), "");
  EXPECT_NE(forged([](auto& h) { h.message_bytes = ~0ull; }), "");
  EXPECT_NE(forged([](auto& h) { h.message_bytes = 1ull << 61; }), "");
  EXPECT_NE(forged([](auto& h) { h.blocks_bytes = ~0ull; }), "");
  EXPECT_NE(forged([](auto& h) { h.blocks_bytes = 64; }), "");
  EXPECT_NE(forged([](auto& h) { h.block_count = 1; }), "");
  EXPECT_NE(forged([](auto& h) { h.type_bytes = ~0u; }), "");
  EXPECT_NE(forged([](auto& h) { h.type_bytes = 0; }), "");
  EXPECT_NE(forged([](auto& h) { h.version = 2; }).find("version 2"), std::string::npos);
}

TEST_F(ValueFile, AFullDiskLeavesTheOldFile) {
  dump(std::vector<double>(10, 1.0), path("a"));
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{100'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  const std::string what = refusal([&] { dump(std::vector<double>(100'000, 2.0), path("a")); });
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  EXPECT_NE(what.find("cannot be written"), std::string::npos) << what;
  EXPECT_EQ(load<std::vector<double>>(path("a")), std::vector<double>(10, 1.0));
  EXPECT_EQ(std::distance(fs::directory_iterator(folder_), {}), 1);
}

std::size_t peak_kilobytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6));
  }
  return 0;
}

TEST_F(ValueFile, MemoryStaysFlat) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "what the sanitizer keeps of each byte counts as this process's memory";
#endif
  constexpr std::size_t megabytes = 256;
  const std::tuple<int, Array<double>> value(1, counted<double>({megabytes << 17}));
  for (const char* name : {"none", "lz4"}) {
    std::ofstream("/proc/self/clear_refs") << 5;
    const std::size_t before = peak_kilobytes();
    dump(value, path("a"), {.compress = name});
    EXPECT_LT(peak_kilobytes(), before + (16 << 10)) << name;
    const auto got = load<std::tuple<int, Array<double>>>(path("a"));
    EXPECT_LT(peak_kilobytes(), before + ((megabytes + 32) << 10)) << name;
    EXPECT_EQ(std::get<1>(got)[1000], 1000);
  }
}

// A file of the first version of the format: it stays readable.
TEST_F(ValueFile, GoldenFile) {
  const std::map<std::string, std::vector<int>> value{{"a", {1, 2}}, {"bc", {}}};
  dump(value, path("a"));
  std::string hex;
  for (const unsigned char c : contents("a")) {
    hex += "0123456789abcdef"[c / 16];
    hex += "0123456789abcdef"[c % 16];
  }
  EXPECT_EQ(hex,
            "895052430d0a1a0a0100000020000000370000000000000000000000000000000000000000000000"
            "ee91e1b7fd13439d00da1d7598941b99eefe0c4522d0274b6d61703c737472696e673c6368617238"
            "3e2c766563746f723c696e7433323e3e000000000000000000000000000000000000000000000000"
            "00000000000000000200000000000000000100000000000000610008000000000000000100000002"
            "0000000002000000000000006263000000000000000000000000000000000000");
}

}  // namespace
}  // namespace paracord
