#include "paracord/memmap/compressor.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <numeric>

#include "paracord/memmap/compressed_stream.h"
#include "paracord/memmap/persist.h"

namespace paracord {
namespace {

namespace fs = std::filesystem;

class Compressors : public testing::Test {
 protected:
  Compressors() {
    std::string pattern = testing::TempDir() + "compressor-XXXXXX";
    folder_ = mkdtemp(pattern.data());
  }
  ~Compressors() override { fs::remove_all(folder_); }
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

using Text = std::vector<std::string>;

Text sample() {
  Text text;
  for (int i = 0; i != 2000; ++i) text.push_back("line " + std::to_string(i * i));
  return text;
}

Array<double> numbers() {
  auto array = Array<double>::uninitialized({30'000});
  std::iota(array.data(), array.data() + array.size(), 0.5);
  return array;
}

const std::map<std::string, std::string> extensions = {{"zlib", ".z"},  {"gzip", ".gz"},
                                                       {"bz2", ".bz2"}, {"xz", ".xz"},
                                                       {"lz4", ".lz4"}, {"zstd", ".zst"}};

TEST_F(Compressors, AllLevelsGoThereAndBack) {
  for (const auto& [name, extension] : extensions) {
    const auto compressor = detail::choose_compression(name, "", std::nullopt, 0)->compressor;
    for (int level = compressor.lowest_level; level <= compressor.highest_level; ++level) {
      if (level == 0 && name == "zstd") continue;  // it means the default
      const std::string file = path("a.wrong");
      dump(sample(), file, {.compress = name, .level = level});
      EXPECT_TRUE(contents("a.wrong").starts_with(compressor.magic)) << name;
      EXPECT_EQ(load<Text>(file), sample()) << name << level;  // found under a wrong name
    }
  }
}

TEST_F(Compressors, TheExtensionChoosesWhereNoNameDoes) {
  for (const auto& [name, extension] : extensions) {
    dump(sample(), path("a" + extension));
    const auto compressor = detail::choose_compression(name, "", std::nullopt, 0)->compressor;
    EXPECT_TRUE(contents("a" + extension).starts_with(compressor.magic)) << name;
    EXPECT_EQ(load<Text>(path("a" + extension)), sample());
    dump(sample(), path("plain" + extension), {.compress = "none"});
    EXPECT_GT(contents("plain" + extension).size(), contents("a" + extension).size());
    EXPECT_EQ(load<Text>(path("plain" + extension)), sample());
  }
  dump(sample(), path("level"), {.compress = "zstd:19"});
  EXPECT_EQ(load<Text>(path("level")), sample());
  dump(sample(), path("threads"), {.compress = "zstd", .threads = 2});
  EXPECT_EQ(load<Text>(path("threads")), sample());
}

TEST_F(Compressors, ArraysAreNpyFilesWithin) {
  for (const auto& [name, extension] : extensions) {
    dump(numbers(), path("a.npy" + extension));
    const auto got = load<Array<double>>(path("a.npy" + extension));
    EXPECT_TRUE(std::equal(got.begin(), got.end(), numbers().begin())) << name;
    for (const int threads : {1, 2}) {
      const auto again = load<Array<double>>(path("a.npy" + extension), {.threads = threads});
      EXPECT_TRUE(std::equal(again.begin(), again.end(), numbers().begin())) << name;
    }
    EXPECT_NE(refusal([&] {
                load<Array<double>>(path("a.npy" + extension), {MmapMode::read});
              }).find("it is compressed"),
              std::string::npos);
    EXPECT_NE(refusal([&] { load<Array<float>>(path("a.npy" + extension)); }).find("float64"),
              std::string::npos);
  }
}

TEST_F(Compressors, DamagedAndShortFilesAreErrors) {
  for (const auto& [name, extension] : extensions) {
    dump(numbers(), path("a"), {.compress = name});
    const std::string whole = contents("a");
    for (const std::size_t length : {whole.size() - 1, whole.size() / 2, std::size_t{20}}) {
      write("short", whole.substr(0, length));
      for (const int threads : {0, 2}) {
        EXPECT_NE(refusal([&] {
                    load<Array<double>>(path("short"), {.threads = threads});
                  }).find("short"),
                  std::string::npos)
            << name << length;
      }
    }
    for (std::size_t at = 10; at < whole.size(); at += whole.size() / 37) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x20);
      write("damaged", damaged);
      // Some bits mean nothing to a format; what is returned is never wrong.
      std::vector<double> got;
      const std::string what = refusal([&] {
        const auto array = load<Array<double>>(path("damaged"));
        got.assign(array.begin(), array.end());
      });
      if (what.empty()) {
        EXPECT_TRUE(std::equal(got.begin(), got.end(), numbers().begin())) << name << at;
      }
    }
  }
}

TEST_F(Compressors, SeveralStreamsInARowAreOne) {
  for (const auto& [name, extension] : extensions) {
    dump(Text{"one"}, path("a"), {.compress = "none"});
    const std::string plain = contents("a");
    const auto compressed = [&](const std::string& part) {
      struct Collect : ByteSink {
        void write(const void* data, std::size_t bytes) override {
          all.append(static_cast<const char*>(data), bytes);
        }
        std::string all;
      } out;
      detail::CompressingSink sink(*detail::choose_compression(name, "", {}, 0), out);
      sink.write(part.data(), part.size());
      sink.finish();
      return out.all;
    };
    write("b", compressed(plain.substr(0, 50)) + compressed(plain.substr(50)));
    EXPECT_EQ(load<Text>(path("b")), Text{"one"}) << name;
  }
}

TEST_F(Compressors, BadChoicesAreRefused) {
  const auto refused = [&](const DumpOptions& options) {
    return refusal([&] { dump(sample(), path("a"), options); });
  };
  EXPECT_NE(refused({.compress = "lzo"}).find("zlib, gzip, bz2"), std::string::npos);
  EXPECT_NE(refused({.compress = "gzip", .level = 10}).find("0 to 9"), std::string::npos);
  EXPECT_NE(refused({.compress = "zstd:high"}).find("zstd:9"), std::string::npos);
  EXPECT_NE(refused({.level = 3}).find("no compressor"), std::string::npos);
  EXPECT_NE(refused({.compress = "zstd", .threads = -1}).find("threads"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("a")));
}

// A compressor of a user: each byte turned round, behind a magic word.
class Turned final : public CompressionStream {
 public:
  explicit Turned(bool compresses) : compresses_(compresses) {}
  bool run(Step& step, bool last) override {
    for (; magic_ != 4 && (compresses_ ? step.out_left : step.in_left) != 0; ++magic_) {
      if (compresses_) {
        *step.out++ = std::byte("TURN"[magic_]);
        --step.out_left;
      } else {
        ++step.in;
        --step.in_left;
      }
    }
    while (magic_ == 4 && step.in_left != 0 && step.out_left != 0) {
      *step.out++ = ~*step.in++;
      --step.in_left;
      --step.out_left;
    }
    return last && step.in_left == 0 && magic_ == 4;
  }

 private:
  const bool compresses_;
  int magic_ = 0;
};

Compressor turned() {
  return {
      "turned",
      ".turn",
      "TURN",
      0,
      0,
      0,
      [](int, int) -> std::unique_ptr<CompressionStream> { return std::make_unique<Turned>(true); },
      []() -> std::unique_ptr<CompressionStream> { return std::make_unique<Turned>(false); }};
}

TEST_F(Compressors, OthersCanBeAdded) {
  register_compressor(turned());
  EXPECT_EQ(compressor_names().back(), "turned");
  EXPECT_NE(refusal([] { register_compressor(turned()); }).find("replace = true"),
            std::string::npos);
  register_compressor(turned(), true);
  dump(sample(), path("a"), {.compress = "turned"});
  EXPECT_TRUE(contents("a").starts_with("TURN"));
  EXPECT_EQ(contents("a").find("line"), std::string::npos);
  dump(sample(), path("a.turn"));
  EXPECT_EQ(contents("a.turn"), contents("a"));
  EXPECT_EQ(load<Text>(path("a")), sample());
  write("short", contents("a").substr(0, 5000));
  EXPECT_NE(refusal([&] { load<Text>(path("short")); }).find("cut off"), std::string::npos);
}

TEST_F(Compressors, BadOnesAreRefused) {
  const auto refused = [](auto change) {
    Compressor bad = turned();
    bad.name = "bad";
    bad.extension = ".bad";
    bad.magic = "BAD!";
    change(bad);
    return refusal([&] { register_compressor(bad); });
  };
  EXPECT_NE(refused([](Compressor& c) { c.name = ""; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.name = "a:b"; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.magic = ""; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.magic = std::string(17, 'x'); }), "");
  EXPECT_NE(refused([](Compressor& c) { c.extension = "bad"; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.compress = nullptr; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.default_level = 5; }), "");
  EXPECT_NE(refused([](Compressor& c) { c.extension = ".gz"; }).find("gzip"), std::string::npos);
}

}  // namespace
}  // namespace paracord
