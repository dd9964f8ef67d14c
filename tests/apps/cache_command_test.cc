#include "paracord/apps/cache_command.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "paracord/cache/memory.h"

namespace paracord {
namespace {

namespace fs = std::filesystem;

int doubled(int x) {
  return 2 * x;
}
int tripled(int x) {
  return 3 * x;
}

class CacheCommand : public testing::Test {
 protected:
  CacheCommand() {
    std::string pattern = testing::TempDir() + "command-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    const Memory memory({.location = cache()});
    for (int i = 0; i != 6; ++i) memory.cache<doubled>({.name = "doubled"})(i);
    for (int i = 0; i != 4; ++i) memory.cache<tripled>({.name = "tripled"})(i);
  }
  ~CacheCommand() override { fs::remove_all(folder_); }
  std::string cache() const { return folder_ / "cache"; }

  // What the command prints; "error: …" where it is refused.
  std::string run(const std::string& arguments) const {
    std::ostringstream out;
    CLI::App app("test");
    apps::add_cache_command(app, out);
    try {
      app.parse("cache " + arguments);
    } catch (const std::exception& error) {
      return std::string("error: ") + error.what();
    }
    return out.str();
  }
  fs::path folder_;
};

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_F(CacheCommand, ListsFunctions) {
  const std::string text = run("ls " + cache());
  EXPECT_TRUE(has(text, "        6")) << text;
  EXPECT_TRUE(has(text, "  doubled-")) << text;
  EXPECT_TRUE(has(text, "  tripled-")) << text;
  EXPECT_TRUE(has(text, "       10")) << text;
  EXPECT_FALSE(has(run("ls --function doubled " + cache()), "tripled"));
}

TEST_F(CacheCommand, ListsCalls) {
  const std::string text = run("ls --entries " + cache());
  EXPECT_TRUE(has(text, "doubled(5)")) << text;
  EXPECT_TRUE(has(text, "tripled(3)")) << text;
  for (const auto& file : fs::recursive_directory_iterator(cache())) {
    if (file.is_regular_file() && file.path().filename().native().size() == 32)
      std::ofstream(file.path()) << "damaged";
  }
  EXPECT_TRUE(has(run("ls --entries " + cache()), "damaged"));
}

TEST_F(CacheCommand, SumsUp) {
  std::uint64_t bytes = 0;
  for (const auto& file : fs::recursive_directory_iterator(cache())) {
    if (file.is_regular_file() && file.path().filename().native().size() == 32)
      bytes += file.file_size();
  }
  EXPECT_EQ(run("du " + cache()), std::to_string(bytes) + "\t" + cache() + "\n");
}

TEST_F(CacheCommand, Prunes) {
  EXPECT_TRUE(has(run("prune --items 7 --dry-run " + cache()), "would erase 3 results"));
  EXPECT_TRUE(has(run("prune --items 7 " + cache()), "erased 3 results"));
  EXPECT_TRUE(has(run("prune --items 7 " + cache()), "erased 0 results"));
  EXPECT_TRUE(has(run("prune --age 1h " + cache()), "erased 0 results"));
  EXPECT_TRUE(has(run("prune --bytes 1K " + cache()), "erased")) << run("ls " + cache());
  EXPECT_TRUE(has(run("prune --items 0 " + cache()), "erased"));
  EXPECT_TRUE(has(run("ls " + cache()), "        0"));
}

TEST_F(CacheCommand, Clears) {
  EXPECT_TRUE(has(run("clear --function tripled " + cache()), "erased 4 results"));
  EXPECT_TRUE(has(run("clear " + cache()), "erased 6 results"));
  EXPECT_FALSE(fs::is_empty(cache())) << "the folder's marks stay";
  EXPECT_TRUE(has(run("du " + cache()), "0\t"));
}

TEST_F(CacheCommand, RefusesWhatIsNoCache) {
  const std::string other = folder_ / "other";
  fs::create_directory(other);
  std::ofstream(other + "/thesis.txt") << "work";
  for (const char* action : {"ls ", "du ", "prune --items 0 ", "clear "})
    EXPECT_TRUE(has(run(action + other), "is no cache")) << action;
  EXPECT_TRUE(fs::exists(other + "/thesis.txt"));
  EXPECT_TRUE(has(run("ls " + other + "/none"), "is no cache"));
  EXPECT_TRUE(has(run("prune " + cache()), "needs a limit"));
  EXPECT_TRUE(has(run("prune --bytes much " + cache()), "is no size"));
  EXPECT_TRUE(has(run("prune --age long " + cache()), "is no age"));
  EXPECT_TRUE(has(run("ls"), "PATH"));
  EXPECT_TRUE(has(run(""), "error"));
}

TEST_F(CacheCommand, IsACommand) {
  EXPECT_EQ(std::system((std::string("'" PARACORD_COMMAND "' cache du ") + cache() + " > " +
                         (folder_ / "out").string())
                            .c_str()),
            0);
  EXPECT_NE(std::system((std::string("'" PARACORD_COMMAND "' cache du ") + folder_.string() +
                         " 2> " + (folder_ / "out").string())
                            .c_str()),
            0);
}

TEST(CacheSizes, AreReadAndShown) {
  EXPECT_EQ(apps::parse_bytes("10"), 10u);
  EXPECT_EQ(apps::parse_bytes("1.5K"), 1536u);
  EXPECT_EQ(apps::parse_bytes("10GiB"), std::uint64_t{10} << 30);
  EXPECT_EQ(apps::parse_bytes("2MB"), std::uint64_t{2} << 20);
  for (const char* bad : {"", "K", "-1", "1X", "1KK", "nan", "1e30"})
    EXPECT_THROW(apps::parse_bytes(bad), std::invalid_argument) << bad;
  EXPECT_EQ(apps::parse_age_seconds("90s"), 90);
  EXPECT_EQ(apps::parse_age_seconds("7d"), 7 * 86400);
  for (const char* bad : {"", "7", "d", "-1d", "1y"})
    EXPECT_THROW(apps::parse_age_seconds(bad), std::invalid_argument) << bad;
  EXPECT_EQ(apps::show_bytes(100), "100 B");
  EXPECT_EQ(apps::show_bytes(1536), "1.5 KiB");
}

}  // namespace
}  // namespace paracord
