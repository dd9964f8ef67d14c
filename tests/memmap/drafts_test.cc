// What tasks change in private copies, and nothing else, reaches the caller.

#include "paracord/memmap/drafts.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <complex>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <numeric>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "paracord/core/codec.h"
#include "paracord/core/errors.h"
#include "paracord/memmap/changed_bytes.h"
#include "paracord/memmap/merged_writes.h"

namespace paracord::detail {
namespace {

constexpr std::size_t page = 4096;

// The caller's memory, and the file from which copies of it are made, at some place.
class Memory {
 public:
  Memory(std::size_t bytes, std::size_t offset) : file_offset_(offset), here(bytes) {
    std::iota(words(), words() + bytes / sizeof(std::uint32_t), 1u);
    fd_ = memfd_create("drafts", MFD_CLOEXEC);
    mapped_ = offset + bytes + page;
    EXPECT_EQ(ftruncate(fd_, static_cast<off_t>(mapped_)), 0);
    base_ =
        static_cast<std::byte*>(mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0));
    std::memcpy(base_ + offset, here.data(), bytes);
  }
  Memory(const Memory&) = delete;
  ~Memory() {
    munmap(base_, mapped_);
    close(fd_);
  }
  std::uint64_t address() const { return reinterpret_cast<std::uint64_t>(here.data()); }
  Drafts::Original original(std::size_t first, std::size_t bytes) const {
    return {base_ + file_offset_ + first, bytes, fd_, file_offset_ + first};
  }
  std::byte* draft_in(Drafts& drafts, std::size_t first, std::size_t bytes,
                      std::size_t unit = 1) const {
    return static_cast<std::byte*>(drafts.add(address() + first, original(first, bytes), unit));
  }
  std::byte* file() { return base_ + file_offset_; }

 private:
  std::uint32_t* words() { return reinterpret_cast<std::uint32_t*>(here.data()); }
  const std::size_t file_offset_;
  std::size_t mapped_ = 0;
  int fd_ = -1;
  std::byte* base_ = nullptr;

 public:
  std::vector<std::byte> here;
};

bool all_allowed(std::uint64_t, std::uint64_t) {
  return true;
}

std::size_t publish(const Drafts& drafts, const MergedWrites::Allowed& allowed = all_allowed) {
  Encoder out;
  drafts.encode(out);
  Decoder in(out.data(), out.size());
  MergedWrites().merge(in, 0, allowed, {});
  EXPECT_EQ(in.left(), 0u);
  return out.size();
}

struct DraftsOf : testing::TestWithParam<Drafts::Originals> {
  Drafts drafts{GetParam()};
};

TEST_P(DraftsOf, PublishExactlyWhatWasChanged) {
  std::mt19937 random(1);
  for (int round = 0; round != 60; ++round) {
    const std::size_t bytes = 1 + random() % (10 * page);
    Memory memory(bytes, 64 * (random() % 200));
    std::byte* draft = memory.draft_in(drafts, 0, bytes);
    std::vector<std::byte> expected = memory.here;
    // Bytes that this task leaves are others' to change.
    for (std::size_t i = 0; i != bytes; ++i) {
      if (random() % 7 == 0) expected[i] = memory.here[i] = memory.here[i] ^ std::byte{0xff};
    }
    for (std::size_t change = random() % 20; change != 0; --change) {
      const std::size_t first = random() % bytes;
      const std::size_t count = std::min<std::size_t>(bytes - first, 1 + random() % 300);
      for (std::size_t i = first; i != first + count; ++i) {
        draft[i] ^= std::byte{static_cast<unsigned char>(1 + random() % 255)};
        if (std::memcmp(&draft[i], memory.file() + i, 1) != 0) expected[i] = draft[i];
      }
    }
    // A byte that was changed and changed back is not sent.
    for (std::size_t i = 0; i != bytes; ++i) {
      if (draft[i] == memory.file()[i]) expected[i] = memory.here[i];
    }
    publish(drafts);
    ASSERT_TRUE(memory.here == expected) << "round " << round;
    drafts.clear();
  }
}

template <class T>
void write_from_two_drafts(Drafts::Originals originals, T first, T second) {
  for (const std::size_t at : {0, 7, 63, 64, 200}) {
    Memory memory(1000 * sizeof(T), 192);
    std::memset(memory.here.data(), 0, memory.here.size());
    std::memset(memory.file(), 0, memory.here.size());
    const auto draft = [&](std::size_t own, T value) {
      Drafts drafts(originals);
      auto* elements =
          reinterpret_cast<T*>(memory.draft_in(drafts, 0, memory.here.size(), written_unit<T>));
      elements[at] = value;
      elements[own] = value;
      publish(drafts);
    };
    draft(at + 1, first);
    draft(at + 2, second);
    const auto* elements = reinterpret_cast<const T*>(memory.here.data());
    EXPECT_EQ(elements[at], second);
    EXPECT_EQ(elements[at + 1], first);
    EXPECT_EQ(elements[at + 2], second);
    EXPECT_EQ(elements[at + 3], T{});
  }
}

// 1.0 and 2.0 have no byte in common that is not zero.
TEST_P(DraftsOf, NeverMixTwoValuesOfANumber) {
  write_from_two_drafts<double>(GetParam(), 1, 2);
  write_from_two_drafts<float>(GetParam(), 1, 2);
  write_from_two_drafts<std::int16_t>(GetParam(), 0x100, 1);
  write_from_two_drafts<std::uint8_t>(GetParam(), 1, 2);
  write_from_two_drafts<std::int64_t>(GetParam(), 0x100000001, 0x10000);
  write_from_two_drafts<std::complex<double>>(GetParam(), {1, 0}, {0, 2});
  write_from_two_drafts<std::complex<long double>>(GetParam(), {1, 0}, {0, 2});
}

TEST_P(DraftsOf, SendLittleOfWhatWasChangedLittle) {
  Memory memory(std::size_t{100} << 20, 128);
  std::byte* draft = memory.draft_in(drafts, 0, memory.here.size());
  for (std::size_t i = 0; i < memory.here.size(); i += std::size_t{10} << 20)
    draft[i] ^= std::byte{1};
  EXPECT_LT(publish(drafts), 1000u);
  EXPECT_EQ(std::memcmp(memory.here.data(), draft, memory.here.size()), 0);
}

TEST_P(DraftsOf, SendNoMoreThanNineEighthsOfWhatThereIs) {
  for (const std::size_t every : {1, 2, 3, 8}) {
    Memory memory(std::size_t{1} << 20, 0);
    std::byte* draft = memory.draft_in(drafts, 0, memory.here.size());
    for (std::size_t i = 0; i < memory.here.size(); i += every) draft[i] ^= std::byte{1};
    EXPECT_LE(publish(drafts), memory.here.size() / 8 * 9 + 64);
    EXPECT_EQ(std::memcmp(memory.here.data(), draft, memory.here.size()), 0);
    drafts.clear();
  }
}

TEST_P(DraftsOf, TheSameMemoryAreTheSameCopy) {
  Memory memory(3 * page, 0);
  std::byte* whole = memory.draft_in(drafts, 0, 3 * page);
  EXPECT_EQ(memory.draft_in(drafts, page, page), whole + page);
  EXPECT_EQ(memory.draft_in(drafts, 0, 3 * page), whole);
}

TEST_P(DraftsOf, WriteNothingWhereSomeOfItIsNotAllowed) {
  Memory memory(4 * page, 0);
  const std::vector<std::byte> before = memory.here;
  std::byte* draft = memory.draft_in(drafts, 0, 4 * page);
  draft[5] ^= std::byte{1};
  draft[3 * page + 7] ^= std::byte{1};
  const auto allowed = [&](std::uint64_t address, std::uint64_t bytes) {
    return address - memory.address() <= 3 * page + 6 && bytes == 1;
  };
  EXPECT_THROW(publish(drafts, allowed), SerializationError);
  EXPECT_TRUE(memory.here == before);
}

INSTANTIATE_TEST_SUITE_P(Originals, DraftsOf,
                         testing::Values(Drafts::Originals::stay, Drafts::Originals::change));

TEST(WrittenPages, AreFoundInPrivateMappings) {
  Memory memory(64 * page, 0);
  const Drafts::Original original = memory.original(0, 64 * page);
  auto* mapping = static_cast<std::byte*>(
      mmap(nullptr, original.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE, original.fd, 0));
  const auto sum =
      std::accumulate(mapping, mapping + original.bytes, 0u,
                      [](unsigned so_far, std::byte b) { return so_far + unsigned(b); });
  EXPECT_NE(sum, 0u);
  for (const std::size_t at : {3, 4, 17}) mapping[at * page + 100] ^= std::byte{1};
  const auto written = written_pages(mapping + 8, original.bytes - 8);
  munmap(mapping, original.bytes);
  if (written.size() == 1) GTEST_SKIP() << "the system does not tell";
  ASSERT_EQ(written.size(), 2u);
  EXPECT_EQ(written[0].begin, 3 * page - 8);
  EXPECT_EQ(written[0].end, 5 * page - 8);
  EXPECT_EQ(written[1].begin, 17 * page - 8);
  EXPECT_EQ(written[1].end, 18 * page - 8);
}

TEST(ChangedRuns, ThatSayNothingAreRefused) {
  for (const auto& words : std::vector<std::vector<std::uint64_t>>{
           {1, 0x1000, 0}, {1, 0x1000, 1, 0}, {1, 0x1000, 2, 1}, {2, 0x1000, 1, 1, 5}, {1}}) {
    Encoder out;
    for (const std::uint64_t word : words) out.put(word);
    Decoder in(out.data(), out.size());
    EXPECT_THROW(MergedWrites().merge(in, 0, all_allowed, {}), SerializationError);
  }
}

// What a task changes of `memory`, which it was given as `before`.
std::string changes(const std::vector<int>& memory, const std::vector<int>& before,
                    std::initializer_list<std::pair<std::size_t, int>> writes) {
  std::vector<int> now = before;
  for (const auto& [at, value] : writes) now[at] = value;
  Encoder out, runs;
  const std::size_t bytes = before.size() * sizeof(int);
  const std::uint64_t count =
      encode_changes(runs, reinterpret_cast<std::uint64_t>(memory.data()),
                     {reinterpret_cast<const std::byte*>(now.data()),
                      reinterpret_cast<const std::byte*>(before.data()), bytes},
                     sizeof(int), {{0, bytes}});
  out.put(count);
  out.write(runs.data(), runs.size());
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

TEST(MergedWrites, NameTwoTasksThatSetAByteToDifferentValues) {
  const std::vector<int> before(1000);
  std::vector<int> memory = before;
  MergedWrites merged;
  const auto merge = [&](std::size_t task,
                         std::initializer_list<std::pair<std::size_t, int>> writes) {
    const std::string message = changes(memory, before, writes);
    Decoder in(message.data(), message.size());
    merged.merge(in, task, all_allowed, [&](std::uint64_t address, std::uint64_t) {
      return reinterpret_cast<const std::byte*>(before.data()) +
             (address - reinterpret_cast<std::uint64_t>(memory.data()));
    });
  };
  merge(3, {{0, 1}, {500, 7}, {999, 9}});
  merge(4, {{1, 2}, {500, 7}});  // the same value
  try {
    merge(5, {{2, 3}, {999, 8}});
    FAIL() << "task 3 has set it to 9";
  } catch (const SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find("task 5 and task 3 of the call"), std::string::npos)
        << error.what();
  }
  EXPECT_EQ(memory[2], 0) << "nothing of it is written";
  EXPECT_EQ(memory[999], 9);
  merge(3, {{999, 10}});  // its own
  EXPECT_EQ(memory[999], 10);
  memory[20] = 5;  // by the caller
  merge(6, {{20, 6}});
  EXPECT_EQ(memory[20], 6);
  // What the caller wrote hides nothing that a task wrote behind it.
  memory[40] = 5;
  merge(7, {{41, 7}});
  EXPECT_THROW(merge(8, {{40, 8}, {41, 8}}), SerializationError);
  EXPECT_EQ(memory[40], 5);
}

}  // namespace
}  // namespace paracord::detail
