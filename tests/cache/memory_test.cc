#include "paracord/cache/memory.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <latch>
#include <set>
#include <thread>
#include <unordered_map>

#include "paracord/testkit/in_memory_store.h"

namespace paracord {
namespace {

namespace fs = std::filesystem;

std::atomic<int> calls = 0;

double twice(double x) {
  ++calls;
  return 2 * x;
}
int difference(int a, int b) {
  ++calls;
  return a - b;
}
std::vector<double> repeated(std::string word, const std::vector<double>& values, int verbose) {
  ++calls;
  return std::vector<double>(values.size() * word.size() + static_cast<std::size_t>(verbose) * 0,
                             1.5);
}
Array<double> counted(std::size_t count) {
  ++calls;
  Array<double> array({count});
  for (std::size_t i = 0; i != count; ++i) array[i] = static_cast<double>(i);
  return array;
}
int failing(int x) {
  ++calls;
  if (x < 0) throw std::domain_error("negative");
  return x;
}
double sum_of(ArrayView<const double> values) {
  ++calls;
  double sum = 0;
  for (const double value : values) sum += value;
  return sum;
}
std::size_t size_of_map(const std::unordered_map<std::string, int>& map) {
  ++calls;
  return map.size();
}
std::unique_ptr<int> boxed(std::unique_ptr<int> x) {
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
bool accept = true;
bool accepted(const EntryInfo&) {
  return accept;
}
int depth_of(int depth);
Memory* nested_memory = nullptr;
int depth_of(int depth) {
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

// --- what holds for every store ---

class EveryStore : public testing::TestWithParam<const char*>, public FreshCache {
 protected:
  EveryStore() { register_store_backend("in_memory", &testkit::InMemoryStore::make, true); }
  MemoryOptions options() const { return {.location = cache(), .backend = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(Stores, EveryStore, testing::Values("local", "in_memory"),
                         [](const auto& store) { return std::string(store.param); });

TEST_P(EveryStore, CallsOnceForEqualArguments) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  EXPECT_EQ(cached(1), 2);  // an int binds to the double
  EXPECT_EQ(cached(1.0), 2);
  EXPECT_EQ(cached(1.0f), 2);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(cached(2.0), 4);
  EXPECT_EQ(calls, 2);
  EXPECT_EQ(memory.cache<twice>()(1.0), 2);
  EXPECT_EQ(calls, 2);
  const auto statistics = memory.statistics();
  EXPECT_EQ(statistics.hits, 3u);
  EXPECT_EQ(statistics.misses, 2u);
}

TEST_P(EveryStore, TellsFunctionsAndArgumentsApart) {
  const Memory memory(options());
  EXPECT_EQ(memory.cache<difference>()(5, 3), 2);
  EXPECT_EQ(memory.cache<difference>()(3, 5), -2);
  constexpr auto sum = [](int a, int b) {
    ++calls;
    return a + b;
  };
  EXPECT_EQ(memory.cache<sum>()(5, 3), 8);
  const auto method = memory.cache<&CachedModel::at>();
  EXPECT_EQ(method(CachedModel{2}, 3), 6);
  EXPECT_EQ(method(CachedModel{3}, 3), 9);
  EXPECT_EQ(method(CachedModel{2}, 3), 6);
  EXPECT_EQ(calls, 5);
  const auto map = memory.cache<size_of_map>();
  EXPECT_EQ(map({{"a", 1}, {"b", 2}}), map({{"b", 2}, {"a", 1}}));
  EXPECT_EQ(calls, 6);
  const auto moved = memory.cache<boxed>();
  EXPECT_EQ(*moved(std::make_unique<int>(4)), 5);
  EXPECT_EQ(*moved(std::make_unique<int>(4)), 5);
  EXPECT_EQ(calls, 7);
}

TEST_P(EveryStore, IgnoresParametersByIndexAndByName) {
  const Memory memory(options());
  const auto by_index = memory.cache<repeated, ignore<2>>();
  EXPECT_EQ(by_index("ab", {1, 2}, 0), by_index("ab", {1, 2}, 5));
  EXPECT_EQ(calls, 1);
  const auto by_name =
      memory.cache<repeated, ignore<"verbose">, parameters<"word", "values", "verbose">>();
  by_name("ab", {1, 2}, 7);
  EXPECT_EQ(calls, 1);
  by_name("ba", {1, 2}, 7);
  EXPECT_EQ(calls, 2);
  EXPECT_TRUE(by_name.contains("ab", {1, 2}, 8));
}

TEST_P(EveryStore, VersionsStandSideBySide) {
  const Memory memory(options());
  const auto first = memory.cache<twice>({.name = "twice", .version = "1"});
  const auto second = memory.cache<twice>({.name = "twice", .version = "2"});
  first(1);
  second(1);
  EXPECT_EQ(calls, 2);
  first(1);
  EXPECT_EQ(calls, 2);
  first.clear();
  EXPECT_FALSE(second.contains(1));
  EXPECT_NE(refusal([&] { memory.cache<twice>({.version = "1"}); }).find(".name"),
            std::string::npos);
}

TEST_P(EveryStore, ExceptionsAreNotRemembered) {
  const Memory memory(options());
  const auto cached = memory.cache<failing>();
  EXPECT_THROW(cached(-1), std::domain_error);
  EXPECT_THROW(cached(-1), std::domain_error);
  EXPECT_EQ(calls, 2);
  EXPECT_FALSE(cached.contains(-1));
  EXPECT_EQ(cached(1), 1);
}

TEST_P(EveryStore, ForgetsAtEachLevel) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  const auto other = memory.cache<difference>();
  const auto fill = [&] {
    cached(1);
    cached(2);
    other(1, 2);
    calls = 0;
  };
  fill();
  cached.erase(1);
  EXPECT_FALSE(cached.contains(1));
  EXPECT_TRUE(cached.contains(2));
  cached.erase(1);  // which is gone
  fill();
  cached.clear();
  EXPECT_FALSE(cached.contains(2));
  EXPECT_TRUE(other.contains(1, 2));
  fill();
  memory.clear();
  EXPECT_FALSE(other.contains(1, 2));
  fill();
  cached.call_and_shelve(1).clear();
  EXPECT_FALSE(cached.contains(1));
}

TEST_P(EveryStore, ShelvesResults) {
  const Memory memory(options());
  const auto cached = memory.cache<counted>();
  const auto shelved = cached.call_and_shelve(1000);
  EXPECT_EQ(cached.call_and_shelve(1000).get().size(), 1000u);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(std::as_const(*std::make_unique<Array<double>>(shelved.get()))[7], 7);
  Encoder out;
  detail::encode(out, shelved);
  EXPECT_LT(out.size(), 1000u);
  if (std::string(GetParam()) == "local") {
    Decoder in(out.data(), out.size());
    EXPECT_EQ(detail::decode<Shelved<Array<double>>>(in).get().size(), 1000u);
  }
  cached.erase(1000);
  EXPECT_THROW(shelved.get(), std::out_of_range);
}

TEST_P(EveryStore, RecomputesOnDemand) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  cached(1);
  cached.recompute(1);
  EXPECT_EQ(calls, 2);
  cached(1);
  EXPECT_EQ(calls, 2);
}

TEST_P(EveryStore, ResultsExpire) {
  const Memory memory(options());
  const auto for_long = memory.cache<twice>({.expires_after = Seconds(1000)});
  for_long(1);
  EXPECT_TRUE(for_long.contains(1));
  for_long(1);
  EXPECT_EQ(calls, 1);
  const auto at_once = memory.cache<twice>({.expires_after = Seconds(0)});
  EXPECT_FALSE(at_once.contains(1));
  at_once(1);
  at_once(1);
  EXPECT_EQ(calls, 3);
}

TEST_P(EveryStore, AskesWhetherAResultIsValid) {
  const Memory memory(options());
  const auto cached = memory.cache<twice, valid_if<accepted>>();
  accept = true;
  cached(1);
  cached(1);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(cached.contains(1));
  accept = false;
  EXPECT_FALSE(cached.contains(1));
  cached(1);
  EXPECT_EQ(calls, 2);
  accept = true;
  cached(1);
  EXPECT_EQ(calls, 2);
}

TEST_P(EveryStore, ReducesItsSize) {
  const Memory memory(options());
  const auto cached = memory.cache<twice>();
  for (int i = 0; i != 10; ++i) cached(i);
  EXPECT_EQ(memory.reduce_size({}), 0u);
  EXPECT_EQ(memory.reduce_size({.items = 20}), 0u);
  EXPECT_EQ(memory.reduce_size({.items = 6}), 4u);
  EXPECT_EQ(memory.reduce_size({.age = Seconds(1000)}), 0u);
  EXPECT_THROW(memory.reduce_size({.age = Seconds(-1)}), std::invalid_argument);
  EXPECT_EQ(memory.reduce_size({.age = Seconds(0)}), 6u);
  cached(1);
  EXPECT_EQ(memory.reduce_size({.bytes = 1}), 1u);
}

TEST_P(EveryStore, KeepsLimitsWhileItWrites) {
  MemoryOptions limited = options();
  limited.limits.items = 8;
  const Memory memory(limited);
  const auto cached = memory.cache<twice>();
  for (int i = 0; i != 100; ++i) {
    cached(i);
    int kept = 0;
    for (int j = 0; j <= i; ++j) kept += cached.contains(j);
    EXPECT_LE(kept, 8) << i;
  }
}

TEST_P(EveryStore, OneCallForManyThreads) {
  const Memory memory(options());
  const auto cached = memory.cache<counted>();
  constexpr int count = 8;
  std::latch start(count);
  std::vector<std::jthread> threads;
  std::atomic<int> right = 0;
  for (int i = 0; i != count; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      for (std::size_t key = 1; key != 20; ++key) right += cached(key * 1000).size() == key * 1000;
    });
  }
  threads.clear();
  EXPECT_EQ(right, count * 19);
  EXPECT_EQ(calls, 19);
}

TEST_P(EveryStore, AWaiterTakesOverFromOneWhoFails) {
  static std::atomic<int> tried;
  tried = 0;
  constexpr auto fails_first = [](int x) {
    if (tried++ == 0) throw std::runtime_error("the first one fails");
    return x;
  };
  const Memory memory(options());
  const auto cached = memory.cache<fails_first>();
  std::latch start(4);
  std::atomic<int> failed = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i != 4; ++i) {
    threads.emplace_back([&] {
      start.arrive_and_wait();
      failed += !refusal([&] { cached(3); }).empty();
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 1);
  EXPECT_EQ(tried, 2);
}

TEST_P(EveryStore, CachedFunctionsCallEachOther) {
  Memory memory(options());
  nested_memory = &memory;
  EXPECT_EQ(memory.cache<depth_of>()(10), 10);
  EXPECT_EQ(memory.cache<depth_of>()(12), 12);
  EXPECT_EQ(calls, 13);
}

TEST_P(EveryStore, CompressedResults) {
  for (const char* method : {"zlib", "lz4", "zstd:9"}) {
    MemoryOptions compressed = options();
    compressed.compress = method;
    const Memory memory(compressed);
    memory.clear();
    calls = 0;
    EXPECT_EQ(memory.cache<counted>()(10'000).size(), 10'000u);
    // Read, too, by one who would not compress.
    EXPECT_EQ(Memory(options()).cache<counted>()(10'000).size(), 10'000u);
    if (std::string(GetParam()) == "local") {
      EXPECT_EQ(calls, 1);
      EXPECT_LT(fs::file_size(files().at(0)), 70'000u);
    }
  }
}

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
