#include "paracord/cache/local_store.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <set>

#include "paracord/cache/cache_folder.h"
#include "paracord/testkit/in_memory_store.h"
#include "paracord/tests/cache/cached_functions.h"

namespace paracord {
namespace {

using namespace cache_test;  // NOLINT: the functions that are called

// --- what holds for folders ---

class LocalMemory : public testing::Test, public FreshCache {
 protected:
  MemoryOptions options() {
    return {.location = cache(),
            .on_warning = [this](const auto& text) { warnings_.push_back(text); }};
  }
  std::vector<std::string> warnings_;
};

TEST_F(LocalMemory, RemembersForOtherMemories) {
  Memory(options()).cache<twice>()(4);
  EXPECT_EQ(Memory(options()).cache<twice>()(4), 8);
  EXPECT_EQ(calls, 1);
}

TEST_F(LocalMemory, EntriesCanBeReadByPeople) {
  const Memory memory(options());
  memory.cache<repeated, parameters<"word", "values", "verbose">>(
      {.name = "repeat \"it\"", .version = "v1"})("ab", {1, 2}, 3);
  ASSERT_EQ(files().size(), 1u);
  EXPECT_TRUE(files()[0].native().starts_with(cache() + "/repeat.it.-"));
  std::ifstream in(files()[0]);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  EXPECT_NE(text.find("\"function\": \"repeat \\\"it\\\"\","), std::string::npos);
  EXPECT_NE(text.find("\"arguments\": \"word=\\\"ab\\\", values={1, 2}, verbose=3\","),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("\"version\": \"v1\","), std::string::npos);
  std::ifstream whole(files()[0]);
  struct Source : ByteSource {
    explicit Source(std::istream& in) : in(in) {}
    std::size_t read_some(void* data, std::size_t bytes) override {
      in.read(static_cast<char*>(data), static_cast<std::streamsize>(bytes));
      return static_cast<std::size_t>(in.gcount());
    }
    std::istream& in;
  } source(whole);
  const auto start = detail::read_entry_start(source, true);
  ASSERT_TRUE(start);
  EXPECT_EQ(start->info.function, "repeat \"it\"");
  EXPECT_EQ(start->info.arguments, "word=\"ab\", values={1, 2}, verbose=3");
  EXPECT_EQ(start->bytes + start->info.bytes, fs::file_size(files()[0]));
  EXPECT_LT(std::chrono::system_clock::now() - start->info.created, std::chrono::minutes(10));
}

TEST_F(LocalMemory, MarksItsFolder) {
  fs::create_directory(cache());
  const Memory memory(options());
  std::ifstream tag(cache() + "/CACHEDIR.TAG");
  std::string line;
  std::getline(tag, line);
  EXPECT_EQ(line, "Signature: 8a477f597d28d172789f06886806bc55");
  EXPECT_TRUE(fs::exists(cache() + "/.gitignore"));
  std::ofstream(cache() + "/.gitignore") << "mine\n";
  const Memory again(options());
  std::ifstream ignore(cache() + "/.gitignore");
  std::getline(ignore, line);
  EXPECT_EQ(line, "mine");
}

TEST_F(LocalMemory, RefusesFoldersOfOthers) {
  fs::create_directory(cache());
  std::ofstream(cache() + "/thesis.txt") << "work";
  EXPECT_NE(refusal([&] { Memory memory(options()); }).find("thesis.txt"), std::string::npos);
  EXPECT_NE(refusal([&] { Memory memory({.location = cache() + "/thesis.txt"}); }), "");
  EXPECT_NE(refusal([&] { Memory memory({.location = "x", .backend = "s3"}); }).find("local"),
            std::string::npos);
  EXPECT_THROW(Memory({.location = cache(), .mmap_mode = MmapMode::read_write}),
               std::invalid_argument);
  EXPECT_THROW(Memory({.location = cache(), .mmap_mode = MmapMode::read, .compress = "zstd"}),
               std::invalid_argument);
  EXPECT_THROW(Memory({.compress = "lzo"}), std::invalid_argument);
  EXPECT_THROW(Memory({.limits = {.age = Seconds(-1)}}), std::invalid_argument);
  EXPECT_THROW(register_store_backend("local", &testkit::InMemoryStore::make),
               std::invalid_argument);
  EXPECT_THROW(register_store_backend("", &testkit::InMemoryStore::make), std::invalid_argument);
}

TEST_F(LocalMemory, WithoutALocationCallsPass) {
  const Memory memory(MemoryOptions{});
  const auto cached = memory.cache<twice>();
  EXPECT_EQ(cached(1), 2);
  EXPECT_EQ(cached(1), 2);
  EXPECT_EQ(cached.recompute(1), 2);
  EXPECT_EQ(calls, 3);
  EXPECT_FALSE(cached.contains(1));
  EXPECT_EQ(cached.call_and_shelve(1).get(), 2);
  cached.call_and_shelve(1).clear();
  cached.erase(1);
  cached.clear();
  memory.clear();
  EXPECT_EQ(memory.reduce_size({.items = 0}), 0u);
  EXPECT_EQ(memory.statistics().hits, 0u);
}

TEST_F(LocalMemory, MapsArraysOnTheFirstCallToo) {
  MemoryOptions mapped = options();
  mapped.mmap_mode = MmapMode::read;
  const Memory memory(mapped);
  const auto cached = memory.cache<counted>();
  for (int call = 0; call != 3; ++call) {
    const Array<double> array = cached(10'000);
    const auto held = detail::find_buffer(array.data(), array.bytes());
    ASSERT_TRUE(held) << call;
    EXPECT_TRUE(held->is_mapped());
    EXPECT_FALSE(array.is_writable());
    EXPECT_EQ(array[9999], 9999);
  }
  EXPECT_EQ(calls, 1);
  // A result that is mapped is as good an argument as one in memory.
  EXPECT_EQ(hash(cached(10'000)), hash(counted(10'000)));
  const auto sum = memory.cache<sum_of>();
  calls = 0;
  sum(cached(10'000));
  sum(counted(10'000));
  EXPECT_EQ(calls, 2);  // one is that of counted()
}

TEST_F(LocalMemory, EveryDamagedEntryIsMadeAgain) {
  MemoryOptions mapped = options();
  mapped.mmap_mode = MmapMode::read;
  for (const bool maps : {false, true}) {
    const Memory memory(maps ? mapped : options());
    const auto cached = memory.cache<counted>();
    cached(2000);
    const fs::path file = files().at(0);
    std::ifstream in(file, std::ios::binary);
    const std::string whole(std::istreambuf_iterator<char>(in), {});
    const auto damaged_is_healed = [&](const std::string& bytes, std::size_t at) {
      // As another file: published ones are not written to.
      std::ofstream(file.native() + ".new", std::ios::binary) << bytes;
      fs::rename(file.native() + ".new", file);
      calls = 0;
      const Array<double> got = cached(2000);
      EXPECT_EQ(hash(got), hash(counted(2000))) << at;
      cached(2000);
      EXPECT_LE(calls, 2) << at;  // one is that of counted()
    };
    for (std::size_t at = 0; at < whole.size(); at += at < 900 ? 7 : 611) {
      std::string damaged = whole;
      damaged[at] = static_cast<char>(damaged[at] ^ 4);
      damaged_is_healed(damaged, at);
      damaged_is_healed(whole.substr(0, at), at);
    }
    EXPECT_GT(memory.statistics().damaged, 20u);
    EXPECT_FALSE(warnings_.empty());
    EXPECT_EQ(files().size(), 1u);
  }
}

// Somebody's pipe or link in an entry's place blocks nobody, and gives nobody another file's bytes.
TEST_F(LocalMemory, WhatIsNoFileIsNoEntry) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  for (const char* suffix : {"", ".part"}) {
    cached(4);
    ASSERT_EQ(files().size(), 1u);
    const fs::path entry = files()[0];
    const fs::path place = entry.native() + suffix;
    const auto expect_call = [&](const char* what) {
      warnings_.clear();
      calls = 0;
      if (place != entry) fs::remove(entry);
      EXPECT_EQ(cached(4), 8) << what;
      EXPECT_EQ(calls, 1) << what;
      EXPECT_EQ(warnings_.size(), 1u) << what;
      fs::remove(place);
    };
    fs::remove(place);
    ASSERT_EQ(mkfifo(place.c_str(), 0600), 0);
    if (place == entry) {
      EXPECT_FALSE(cached.contains(4));
    }
    expect_call("a pipe");
    std::ofstream(folder() / "other") << "other";
    fs::create_symlink(folder() / "other", place);
    expect_call("a link");
    EXPECT_EQ(fs::file_size(folder() / "other"), 5u);
  }
}

double another(double x) {
  ++calls;
  return 10 * x;
}

TEST_F(LocalMemory, AnotherProgramsFunctionOfThatNameIsSeen) {
  const pid_t child = fork();
  if (child == 0) {
    const Memory memory(options());
    _exit(memory.cache<another>({.name = "model", .version = "1"})(4) == 40 ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  ASSERT_EQ(files().size(), 1u);
  const Memory memory(options());
  const auto cached = memory.cache<twice>({.name = "model", .version = "1"});
  EXPECT_FALSE(cached.contains(4));
  EXPECT_EQ(cached(4), 8);
  ASSERT_EQ(warnings_.size(), 1u);
  for (const char* part : {"model", "another", "twice", ".name"})
    EXPECT_NE(warnings_[0].find(part), std::string::npos) << warnings_[0];
  EXPECT_TRUE(cached.contains(4));  // it is this one's now
  EXPECT_EQ(cached(4), 8);
  EXPECT_EQ(calls, 1);
}

TEST_F(LocalMemory, APipeInPlaceOfTheTagBlocksNobody) {
  fs::create_directories(cache());
  ASSERT_EQ(mkfifo((cache() + "/CACHEDIR.TAG").c_str(), 0600), 0);
  EXPECT_FALSE(detail::is_cache_folder(cache()));
}

TEST_F(LocalMemory, AFullDiskCostsNoResult) {
  const Memory memory(options());
  const auto cached = memory.cache<counted>();
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{10'000, old.rlim_max};
  setrlimit(RLIMIT_FSIZE, &small);
  EXPECT_EQ(cached(100'000).size(), 100'000u);
  EXPECT_EQ(cached(100'000).size(), 100'000u);
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(warnings_.size(), 2u);
  EXPECT_NE(warnings_.at(0).find("is not kept"), std::string::npos);
  EXPECT_EQ(memory.statistics().failed_stores, 2u);
  EXPECT_TRUE(files().empty()) << files().at(0);
  EXPECT_EQ(cached(100'000).size(), 100'000u);
  EXPECT_TRUE(cached.contains(100'000));
}

struct Unwritable {
  int x = 0;
};
}  // namespace

template <>
struct Codec<Unwritable> {
  static void encode(Encoder&, const Unwritable&) { throw SerializationError("not today"); }
  static Unwritable decode(Decoder&) { return {}; }
};
namespace {
Unwritable make_unwritable(int x) {
  ++calls;
  return {x};
}

TEST_F(LocalMemory, AResultThatDoesNotEncodeIsReturned) {
  const Memory memory(options());
  EXPECT_EQ(memory.cache<make_unwritable>()(4).x, 4);
  EXPECT_EQ(memory.cache<make_unwritable>()(4).x, 4);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(files().empty());
  EXPECT_NE(warnings_.at(0).find("not today"), std::string::npos);
}

TEST_F(LocalMemory, AFolderThatVanishesIsMadeAgain) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  cached(1);
  fs::remove_all(cache());
  EXPECT_EQ(cached(1), 2);
  EXPECT_EQ(cached(1), 2);
  EXPECT_EQ(calls, 2);
}

TEST_F(LocalMemory, WhatWasUsedLeastRecentlyGoesFirst) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  std::set<fs::path> seen;
  for (int i = 0; i != 5; ++i) {
    cached(i);
    for (const fs::path& file : files()) {
      if (!seen.insert(file).second) continue;
      const timespec times[] = {{1000 + i, 0}, {0, UTIME_OMIT}};
      utimensat(AT_FDCWD, file.c_str(), times, 0);
    }
  }
  cached(0);  // used last
  EXPECT_EQ(memory.reduce_size({.items = 3}), 2u);
  EXPECT_TRUE(cached.contains(0));
  EXPECT_FALSE(cached.contains(1));
  EXPECT_FALSE(cached.contains(2));
  EXPECT_TRUE(cached.contains(3));
  const std::uint64_t one = fs::file_size(files().at(0));
  EXPECT_EQ(memory.reduce_size({.bytes = 2 * one}), 1u);
  EXPECT_FALSE(cached.contains(3));
  EXPECT_EQ(memory.reduce_size({.age = Seconds(1000)}), 1u);
  EXPECT_TRUE(cached.contains(0));
}

TEST_F(LocalMemory, PrintsWhenAsked) {
  const Memory memory({.location = cache(), .verbose = 2});
  testing::internal::CaptureStderr();
  memory.cache<twice>()(1.5);
  memory.cache<twice>()(1.5);
  const std::string lines = testing::internal::GetCapturedStderr();
  EXPECT_NE(lines.find("[Memory] Calling "), std::string::npos) << lines;
  EXPECT_NE(lines.find("twice(1.5)"), std::string::npos) << lines;
  EXPECT_NE(lines.find(" took 0.0 s, 0.0 min"), std::string::npos) << lines;
  EXPECT_NE(lines.find("[Memory] Loading "), std::string::npos) << lines;
  testing::internal::CaptureStderr();
  Memory(options()).cache<twice>()(2.5);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

TEST(FunctionIdentity, IsThatOfTheModuleAndThePlace) {
  const auto identity = [](auto& entry) { return detail::function_identity(entry.reference()); };
  const auto first = identity(detail::EntryOf<detail::CachedEntry<twice>>::entry);
  const auto second = identity(detail::EntryOf<detail::CachedEntry<difference>>::entry);
  EXPECT_NE(first, second);
  EXPECT_EQ(first.substr(0, 32), second.substr(0, 32));
  EXPECT_EQ(first, identity(detail::EntryOf<detail::CachedEntry<twice>>::entry));
}

}  // namespace
}  // namespace paracord
