#include "paracord/memmap/arena_store.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <random>
#include <thread>
#include <vector>

#include "paracord/core/errors.h"
#include "paracord/memmap/sharing.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {
namespace {

constexpr std::size_t mib = std::size_t{1} << 20;

std::vector<std::byte> random_bytes(std::size_t count, unsigned seed) {
  std::minstd_rand random(seed);
  std::vector<std::byte> bytes(count);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

bool holds(const ArenaStore::Lease& lease, const std::vector<std::byte>& bytes) {
  return std::memcmp(lease->data(), bytes.data(), bytes.size()) == 0;
}

// Bytes of the file that exist.
std::size_t pages_of(const Arena& arena) {
  struct stat about {};
  EXPECT_EQ(fstat(arena.fd, &about), 0);
  return static_cast<std::size_t>(about.st_blocks) * 512;
}

void wait_until_mapped(const ArenaStore::Stretch& stretch) {
  while (!stretch.arena->is_mapped(stretch.offset)) std::this_thread::yield();
}

TEST(ArenaStore, StoresBytesOfAnySize) {
  ArenaStore store({"/dev/shm"});
  for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, 3 * mib + 17, 20 * mib}) {
    const auto bytes = random_bytes(size, 1);
    const auto lease = store.store(bytes.data(), size);
    EXPECT_TRUE(holds(lease, bytes)) << size;
    EXPECT_EQ(lease->offset % 4096, 0u);
  }
}

TEST(ArenaStore, GivesReturnedMemoryToTheNext) {
  ArenaStore store({"/dev/shm"});
  const auto first_bytes = random_bytes(8 * mib, 1), next_bytes = random_bytes(8 * mib, 2);
  auto lease = store.store(first_bytes.data(), first_bytes.size());
  const std::byte* place = lease->data();
  lease.reset();
  lease = store.store(next_bytes.data(), next_bytes.size());
  EXPECT_EQ(lease->data(), place);
  EXPECT_TRUE(holds(lease, next_bytes));
}

TEST(ArenaStore, GivesWhatWasCutOffToTheNext) {
  ArenaStore store({"/dev/shm"});
  const auto long_one = store.allocate(mib);
  const auto bytes = random_bytes(5000, 1);
  std::memcpy(long_one->data(), bytes.data(), bytes.size());
  ArenaStore::cut(long_one, bytes.size());
  EXPECT_EQ(long_one->bytes, 8192u);
  const auto next = store.allocate(mib - 8192);
  EXPECT_EQ(next->data(), long_one->data() + 8192);
  std::memset(next->data(), 0, next->bytes);
  EXPECT_TRUE(holds(long_one, bytes));
}

// Short messages stay out of it; a long one is where it was taken, and the next one elsewhere.
TEST(SharedRoom, HoldsLongMessages) {
  ArenaStore store({"/dev/shm"});
  SharedRoom room(1000);
  room.store_in(&store);
  Encoder message(nullptr, &room);
  const auto bytes = random_bytes(100'000, 1);
  message.write(bytes.data(), 1000);
  const std::byte* own = message.data();
  message.clear();
  std::vector<ArenaStore::Lease> leases;
  for (const std::size_t size : {std::size_t{1001}, bytes.size(), std::size_t{5000}}) {
    for (std::size_t i = 0; i != size; ++i) message.put(bytes[i]);
    leases.push_back(room.take(size));
    EXPECT_EQ(message.data(), leases.back()->data());
    EXPECT_EQ(message.size(), size);
    message.clear();
  }
  for (const auto& lease : leases)
    EXPECT_EQ(std::memcmp(lease->data(), bytes.data(), std::size_t{1000}), 0);
  EXPECT_TRUE(holds(leases[1], bytes));
  message.put(std::byte{1});
  EXPECT_EQ(message.data(), own);
}

// What is in the page tables is filled in another way than what is not: both, and mixtures.
TEST(ArenaStore, FillsMappedMemoryAsWell) {
  ArenaStore store({"/dev/shm"});
  const auto small = random_bytes(8 * mib, 1);
  auto lease = store.store(small.data(), small.size());
  wait_until_mapped(*lease);
  lease.reset();
  for (unsigned seed = 2; seed != 6; ++seed) {
    const auto bytes = random_bytes(5 * mib + 1000 * seed + 1, seed);
    lease = store.store(bytes.data() + seed, bytes.size() - seed);
    EXPECT_EQ(std::memcmp(lease->data(), bytes.data() + seed, bytes.size() - seed), 0) << seed;
    lease.reset();
  }
}

TEST(ArenaStore, GivesPagesThatNobodyUsesBack) {
  ArenaStore store({"/dev/shm"});
  store.set_most_free(4 * mib);
  const auto bytes = random_bytes(16 * mib, 1);
  auto kept = store.store(bytes.data(), mib);
  const std::shared_ptr<Arena> arena = kept->arena;
  auto lease = store.store(bytes.data(), bytes.size());
  wait_until_mapped(*lease);
  lease.reset();
  EXPECT_LE(pages_of(*arena), 6 * mib);
  // The place can be filled again, by writing as by storing.
  lease = store.store(bytes.data(), bytes.size());
  EXPECT_TRUE(holds(lease, bytes));
  lease.reset();
  const auto room = store.allocate(bytes.size());
  std::memcpy(room->data(), bytes.data(), bytes.size());
  EXPECT_TRUE(holds(room, bytes));
}

void fill(const ArenaStore::Lease& lease, const std::vector<std::byte>& bytes,
          const std::vector<std::size_t>& parts) {
  for (const std::size_t part : parts) {
    const std::size_t begin = part * mib, end = std::min(begin + mib, bytes.size());
    ASSERT_EQ(ArenaStore::fill(lease, begin, bytes.data() + begin, end - begin), 0);
  }
}

TEST(ArenaStore, IsFilledPartByPart) {
  ArenaStore store({"/dev/shm"});
  const std::byte* place = nullptr;
  for (unsigned seed = 1; seed != 5; ++seed) {  // new pages, then used ones
    const auto bytes = random_bytes(3 * mib + 17, seed);
    const auto lease = store.allocate_to_fill(bytes.size());
    fill(lease, bytes, {3, 1, 0, 2});
    EXPECT_TRUE(holds(lease, bytes));
    EXPECT_TRUE(place == nullptr || place == lease->data());
    place = lease->data();
  }
}

TEST(ArenaStore, MakesPagesAsTheyAreFilled) {
  ArenaStore store({"/dev/shm"});
  const auto bytes = random_bytes(8 * mib, 1);
  auto lease = store.allocate_to_fill(bytes.size());
  const std::shared_ptr<Arena> arena = lease->arena;
  EXPECT_EQ(pages_of(*arena), 0u);
  fill(lease, bytes, {0, 5});
  EXPECT_EQ(pages_of(*arena), 2 * mib);
  lease.reset();
  EXPECT_EQ(pages_of(*arena), 0u);
  const auto next = store.allocate_to_fill(bytes.size());
  EXPECT_EQ(next->arena, arena);  // which is not taken to be full
}

TEST(ArenaStore, LeavesAFolderThatIsFull) {
  ArenaStore store({"/dev/shm"});
  const auto bytes = random_bytes(4 * mib, 1);
  auto lease = store.allocate_to_fill(bytes.size());
  const std::shared_ptr<Arena> full = lease->arena;
  fill(lease, bytes, {0});
  // Files that may not grow stand for a folder without room.
  rlimit before{};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit none{mib, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &none);
  EXPECT_NE(ArenaStore::fill(lease, mib, bytes.data() + mib, mib), 0);
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  lease.reset();
  lease = store.allocate_to_fill(bytes.size());
  EXPECT_NE(lease->arena, full);
  fill(lease, bytes, {0, 1, 2, 3});
  EXPECT_TRUE(holds(lease, bytes));
}

TEST(ArenaStore, OutlivedByItsLeases) {
  const auto bytes = random_bytes(4 * mib, 1);
  ArenaStore::Lease lease;
  {
    ArenaStore store({"/dev/shm"});
    lease = store.store(bytes.data(), bytes.size());
  }
  EXPECT_TRUE(holds(lease, bytes));
}

TEST(ArenaStore, RefusesWhereNoFolderHasRoom) {
  ArenaStore store({"/dev/shm"});
  EXPECT_THROW((void)store.allocate(std::size_t{1} << 60), BackendUnavailable);
  ArenaStore nowhere({"/nonexistent"});
  EXPECT_THROW((void)nowhere.allocate(1), BackendUnavailable);
}

TEST(ArenaStore, ServesManyThreads) {
  ArenaStore store({"/dev/shm"});
  std::vector<std::thread> threads;
  for (unsigned t = 0; t != 4; ++t) {
    threads.emplace_back([&store, t] {
      for (unsigned round = 0; round != 20; ++round) {
        const auto bytes = random_bytes(100'000 * (t + 1) + round, t * 100 + round);
        const auto lease = store.store(bytes.data(), bytes.size());
        ASSERT_TRUE(holds(lease, bytes));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Sets variables, and puts back what they were.
class TempFolder : public testing::Test {
 protected:
  TempFolder() {
    std::string pattern = testing::TempDir() + "temp-folder-XXXXXX";
    folder_ = mkdtemp(pattern.data());
    for (const char* name : {"PARACORD_TEMP_FOLDER", "TMPDIR", "TEMP", "TMP"}) {
      const char* value = std::getenv(name);
      if (value != nullptr) before_.emplace(name, value);
      unsetenv(name);
    }
  }
  ~TempFolder() override {
    for (const char* name : {"PARACORD_TEMP_FOLDER", "TMPDIR", "TEMP", "TMP"}) unsetenv(name);
    for (const auto& [name, value] : before_) setenv(name.c_str(), value.c_str(), 1);
    std::filesystem::remove_all(folder_);
  }
  std::filesystem::path folder_;
  std::map<std::string, std::string> before_;
};

TEST_F(TempFolder, IsMadeWhereTheUserNamesOneThatIsNotThere) {
  const std::string named = folder_ / "a" / "b", chosen = folder_ / "c d";
  EXPECT_EQ(temp_folders(named), std::vector{named});
  setenv("PARACORD_TEMP_FOLDER", chosen.c_str(), 1);
  EXPECT_EQ(temp_folders(std::nullopt), std::vector{chosen});
  for (const std::string& made : {named, chosen}) {
    const int fd = make_nameless_file({made}, 4096, 4096);
    EXPECT_GE(fd, 0);
    close(fd);
    struct stat about {};
    EXPECT_EQ(stat(made.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0700u);
  }
}

TEST_F(TempFolder, IsAbsolute) {
  const auto folders = temp_folders(std::filesystem::relative(folder_).string());
  EXPECT_TRUE(std::filesystem::path(folders.at(0)).is_absolute());
  EXPECT_TRUE(std::filesystem::equivalent(folders.at(0), folder_));
}

TEST_F(TempFolder, FollowsTheSystemsVariablesAsPythonDoes) {
  EXPECT_EQ(system_temp_folder(), "/tmp");
  for (const char* name : {"TMP", "TEMP", "TMPDIR"}) {  // each goes before the one before it
    const std::filesystem::path folder = folder_ / name;
    std::filesystem::create_directory(folder);
    setenv(name, folder.c_str(), 1);
    EXPECT_EQ(system_temp_folder(), folder);
    EXPECT_EQ(temp_folders(std::nullopt), (std::vector<std::string>{"/dev/shm", folder}));
  }
  setenv("TMPDIR", (folder_ / "none").c_str(), 1);
  EXPECT_EQ(system_temp_folder(), folder_ / "TEMP") << "one that is not there is passed over";
}

}  // namespace
}  // namespace paracord::detail
