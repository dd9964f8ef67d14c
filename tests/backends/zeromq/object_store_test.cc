#include "paracord/backends/zeromq/object_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "paracord/core/errors.h"

namespace paracord::cluster {
namespace {

constexpr std::size_t size = std::size_t{1} << 20;

ObjectId id(std::uint64_t number, std::size_t bytes = size) {
  return {{number, 0}, bytes};
}

// Of four objects.
struct ObjectStoreTest : testing::Test {
  ObjectStoreTest() { reopen(4 * size); }
  void reopen(std::size_t memory, std::size_t spill = 100 * size, std::string folder = "") {
    store.reset();
    ObjectStore::Options options;
    options.memory_bytes = memory;
    options.spill_bytes = spill;
    options.spill_folder = std::move(folder);
    store.emplace(options);
    store->on_dropped([this](const ObjectId& object) { dropped.push_back(object.digest[0]); });
  }
  ObjectStore::Held put(std::uint64_t number, std::size_t bytes = size) {
    ObjectStore::Held held = store->make(id(number, bytes));
    std::memset(held->data, static_cast<int>(number), bytes);
    store->complete(id(number, bytes));
    return held;
  }
  bool has(std::uint64_t number) {
    const ObjectStore::Held held = store->find(id(number));
    if (held == nullptr) return false;
    for (std::size_t i = 0; i != size; ++i) {
      if (held->data[i] != static_cast<std::byte>(number)) ADD_FAILURE() << "other bytes";
    }
    return true;
  }
  std::optional<ObjectStore> store;
  std::vector<std::uint64_t> dropped;
};

TEST_F(ObjectStoreTest, FindsWhatIsComplete) {
  const auto held = store->make(id(1));
  EXPECT_EQ(store->find(id(1)), nullptr);
  EXPECT_TRUE(held->shared);
  EXPECT_FALSE(held->writable);
  EXPECT_TRUE(detail::find_buffer(held->data, size).has_value());
  store->complete(id(1));
  EXPECT_EQ(store->find(id(1)), held);
  EXPECT_EQ(store->find(id(2)), nullptr);
  store->erase(id(1));
  EXPECT_EQ(store->find(id(1)), nullptr);
  EXPECT_EQ(store->counters().objects, 0u);
}

TEST_F(ObjectStoreTest, KeepsObjectsOfNoBytesAndOddSizes) {
  for (const std::size_t bytes : {0, 1, 4097}) {
    const auto held = put(9, bytes);
    EXPECT_EQ(held->bytes, bytes);
    EXPECT_EQ(store->find(id(9, bytes)), held);
  }
}

TEST_F(ObjectStoreTest, SendsWhatWasUsedLongestAgoToTheDisk) {
  for (std::uint64_t i = 1; i <= 4; ++i) put(i);
  EXPECT_TRUE(has(1));
  put(5);
  EXPECT_EQ(dropped, std::vector<std::uint64_t>{2});
  EXPECT_EQ(store->counters().spills, 1u);
  EXPECT_EQ(store->counters().spilled_bytes, size);
  EXPECT_LE(store->counters().memory_bytes, 4 * size);
  for (std::uint64_t i = 1; i <= 5; ++i) EXPECT_TRUE(has(i)) << i;
  EXPECT_GE(store->counters().reloads, 1u);
}

TEST_F(ObjectStoreTest, KeepsWhatIsHeld) {
  const auto first = put(1), second = put(2);
  EXPECT_EQ(store->counters().used_bytes, 2 * size);
  for (std::uint64_t i = 3; i != 10; ++i) put(i);
  EXPECT_EQ(store->find(id(1)), first);
  EXPECT_EQ(store->find(id(2)), second);
  const auto third = store->find(id(8)), fourth = store->find(id(9));
  EXPECT_THROW(store->make(id(20)), BackendUnavailable);
  EXPECT_THROW((void)store->find(id(3)), BackendUnavailable);
  EXPECT_THROW(store->make(id(21, 100 * size)), BackendUnavailable);
}

TEST_F(ObjectStoreTest, FindsAgainWhatHadNoRoom) {
  put(1);
  std::vector<ObjectStore::Held> held;
  for (std::uint64_t i = 2; i <= 5; ++i) held.push_back(put(i));
  EXPECT_THROW((void)store->find(id(1)), BackendUnavailable);
  held.clear();
  EXPECT_TRUE(has(1));
}

TEST_F(ObjectStoreTest, CountsErasedMemoryUntilNobodyHoldsIt) {
  auto held = put(1);
  store->erase(id(1));
  EXPECT_EQ(store->counters().memory_bytes, size);
  held.reset();
  EXPECT_EQ(store->counters().memory_bytes, 0u);
}

TEST_F(ObjectStoreTest, KeepsWithinItsBudgetOfDisk) {
  reopen(2 * size, 2 * size);
  for (std::uint64_t i = 1; i <= 6; ++i) put(i);
  EXPECT_EQ(store->counters().spilled_bytes, 2 * size);
  EXPECT_EQ(store->counters().objects, 4u);
  for (const std::uint64_t gone : {1, 2}) EXPECT_FALSE(has(gone)) << gone;
  // What comes back takes the place of another: here of 4, which was used before 5.
  for (const std::uint64_t kept : {3, 5, 6}) EXPECT_TRUE(has(kept)) << kept;
}

TEST_F(ObjectStoreTest, DropsWhatFindsNoRoomOnTheDisk) {
  for (const auto& [spill, folder] :
       {std::pair<std::size_t, std::string>{0, ""}, {100 * size, "/nowhere/at/all"}}) {
    reopen(2 * size, spill, folder);
    for (std::uint64_t i = 1; i <= 3; ++i) put(i);
    EXPECT_FALSE(has(1));
    EXPECT_TRUE(has(3));
    EXPECT_EQ(store->counters().spilled_bytes, 0u);
    EXPECT_EQ(store->counters().spills, 0u);
  }
}

// As on a full disk: files may not become as large.
TEST_F(ObjectStoreTest, DropsWhatTheDiskDoesNotTake) {
  reopen(2 * size);
  for (std::uint64_t i = 1; i <= 2; ++i) put(i);
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = size / 2;
  setrlimit(RLIMIT_FSIZE, &small);
  ObjectStore::Held third;
  EXPECT_NO_THROW(third = put(3));
  setrlimit(RLIMIT_FSIZE, &before);
  (void)std::signal(SIGXFSZ, handler);
  EXPECT_FALSE(has(1));
  EXPECT_TRUE(has(2));
  EXPECT_TRUE(has(3));
  EXPECT_EQ(dropped, std::vector<std::uint64_t>{1});
}

TEST_F(ObjectStoreTest, MakesAnObjectAnew) {
  put(1);
  const auto again = store->make(id(1));
  EXPECT_EQ(store->find(id(1)), nullptr);
  std::memset(again->data, 1, size);
  store->complete(id(1));
  EXPECT_TRUE(has(1));
  EXPECT_EQ(store->counters().memory_bytes, size);
}

TEST_F(ObjectStoreTest, MayEndBeforeItsMemory) {
  const auto held = put(1);
  store.reset();
  EXPECT_EQ(held->data[size - 1], std::byte{1});
}

}  // namespace
}  // namespace paracord::cluster
