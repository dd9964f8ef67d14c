#include "paracord/cache/memory.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

#include "paracord/testkit/in_memory_store.h"
#include "paracord/tests/cache/cached_functions.h"

namespace paracord {
namespace {

using namespace cache_test;  // NOLINT: the functions that are called

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

double thrice(double x) {
  ++calls;
  return 3 * x;
}
int negated(int x) {
  ++calls;
  return -x;
}

TEST_P(EveryStore, ANameBelongsToOneFunction) {
  const Memory memory(options());
  const auto first = memory.cache<twice>({.name = "model", .version = "1"});
  EXPECT_EQ(first(4), 8);
  const std::string why = refusal([&] { memory.cache<thrice>({.name = "model", .version = "1"}); });
  EXPECT_NE(why.find("twice"), std::string::npos) << why;
  EXPECT_NE(why.find("thrice"), std::string::npos) << why;
  EXPECT_NE(why.find("'model'"), std::string::npos) << why;
  // Again, in another version, or of other parameters: these cannot be mixed up.
  EXPECT_EQ(memory.cache<twice>({.name = "model", .version = "1"})(4), 8);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(memory.cache<thrice>({.name = "model", .version = "2"})(4), 12);
  EXPECT_EQ(memory.cache<negated>({.name = "model", .version = "1"})(4), -4);
  EXPECT_EQ(calls, 3);
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

}  // namespace
}  // namespace paracord
