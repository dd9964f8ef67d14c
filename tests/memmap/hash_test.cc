#include "paracord/memmap/hash.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <complex>
#include <filesystem>
#include <fstream>
#include <list>
#include <map>
#include <numeric>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "paracord/core/errors.h"
#include "paracord/memmap/persist.h"

namespace paracord {

struct HashedPoint {
  double x, y;
};
struct HashedOther {
  double x, y;
};
struct HashedPadded {
  char c;
  double x;
};
enum class HashedColour : short { red, green };
class HashedAccount {
 public:
  HashedAccount() = default;
  explicit HashedAccount(std::unordered_map<std::string, int> rates) : rates_(std::move(rates)) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_, rates_);
  }

 private:
  int number_ = 7;
  std::unordered_map<std::string, int> rates_;
};
struct HashedDate {
  explicit HashedDate(int day) : day(day) {}
  int day;
};
template <>
struct Codec<HashedDate> {
  static void encode(Encoder& out, const HashedDate& date) { out.put(date.day); }
  static HashedDate decode(Decoder& in) { return HashedDate(in.get<int>()); }
};

struct HashedMetre {};
struct HashedFoot {};
template <class Unit>
struct HashedLength {
  double value;
  enum class Kind { flat, round };
  struct Part {
    int number;
  };
};
struct HashedWindow {
  struct {
    int width, height;
  } size;
};
struct HashedRing {
  std::shared_ptr<HashedRing> next;
};

namespace {

Array<double> numbered(const Shape& shape, Order order = Order::c) {
  auto array = Array<double>::uninitialized(shape, order);
  std::iota(array.data(), array.data() + array.size(), 0.0);
  return array;
}

TEST(Hash, TellsTypesApart) {
  std::set<std::string> all;
  int count = 0;
  const auto add = [&](const auto& value) {
    all.insert(hash(value).to_string());
    ++count;
  };
  add(1);
  add(1u);
  add(1.0);
  add(1.0f);
  add(true);
  add('\1');
  add(short{1});
  add(1LL);
  add(std::string("1"));
  add(std::vector<char>{'1'});
  add(std::vector<int>{});
  add(std::vector<double>{});
  add(std::vector<std::vector<int>>{{}});
  add(std::vector<int>{1});
  add(std::list<int>{1});
  add(std::tuple<int>{1});
  add(std::pair<int, int>{1, 1});
  add(std::array<int, 1>{1});
  add(std::optional<int>{1});
  add(std::optional<int>{});
  add(std::set<int>{1});
  add(std::unordered_set<int>{1});
  add(HashedPoint{1, 2});
  add(HashedOther{1, 2});
  add(HashedColour::red);
  add(HashedColour::green);
  add(std::complex<double>(1, 0));
  add(std::chrono::seconds(1));
  add(std::chrono::milliseconds(1));
  add(std::variant<int, double>(1));
  add(std::variant<int, double>(1.0));
  add(std::make_unique<int>(1));
  add(std::filesystem::path("1"));
  add(HashedDate(1));
  add(0.0);
  add(-0.0);
  EXPECT_EQ(all.size(), count);
}

auto local_of_another_function() {
  struct Local {
    int x;
  };
  return Local{1};
}

TEST(Hash, TellsMeaningsApart) {
  std::set<std::string> all;
  int count = 0;
  const auto add = [&](const auto& value) {
    all.insert(hash(value).to_string());
    ++count;
  };
  add(HashedLength<HashedMetre>{1});
  add(HashedLength<HashedFoot>{1});
  add(HashedLength<std::ratio<1, 2>>{1});
  add(HashedLength<std::ratio<1, 3>>{1});
  add(HashedLength<int>::Kind::round);
  add(HashedLength<long>::Kind::round);
  add(HashedLength<int>::Part{1});
  add(HashedLength<long>::Part{1});
  add(std::chrono::system_clock::time_point(std::chrono::nanoseconds(1)));
  add(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(1)));
  struct Local {
    int x;
  };
  add(Local{1});
  add(local_of_another_function());
  add(std::vector<HashedLength<HashedMetre>>{{1}});
  add(std::vector<HashedLength<HashedFoot>>{{1}});
  EXPECT_EQ(all.size(), count);
}

TEST(Hash, WhatPointsAtItselfIsRefused) {
  const auto ring = std::make_shared<HashedRing>();
  ring->next = ring;
  EXPECT_THROW((void)hash(ring), SerializationError);
  ring->next = nullptr;
}

TEST(Hash, EqualValuesHaveOneDigest) {
  EXPECT_EQ(hash(std::string("text")), hash(std::string_view("text")));
  EXPECT_EQ(hash(std::vector<double>{1, 2}), hash(std::span<const double>(std::array{1.0, 2.0})));
  EXPECT_EQ(hash(std::make_unique<int>(4)), hash(std::make_unique<int>(4)));
  EXPECT_EQ(hash(std::vector<bool>{true, false}), hash(std::vector<bool>{true, false}));
  EXPECT_NE(hash(std::vector<bool>{true, false}), hash(std::vector<bool>{false, true}));
  EXPECT_NE(hash(std::vector<std::string>{"ab", "c"}), hash(std::vector<std::string>{"a", "bc"}));
}

TEST(Hash, IgnoresPadding) {
  alignas(HashedPadded) unsigned char first[sizeof(HashedPadded)], second[sizeof(HashedPadded)];
  std::memset(first, 0x00, sizeof first);
  std::memset(second, 0xff, sizeof second);
  auto* a = new (first) HashedPadded;
  auto* b = new (second) HashedPadded;
  a->c = b->c = 'x';
  a->x = b->x = 2;
  EXPECT_EQ(hash(*a), hash(*b));
  EXPECT_EQ(hash(std::vector<HashedPadded>{*a}), hash(std::vector<HashedPadded>{*b}));
}

TEST(Hash, UnorderedContainersCountInAnyOrder) {
  std::unordered_map<std::string, int> up, down(1000);
  for (int i = 0; i != 100; ++i) up[std::to_string(i)] = i;
  for (int i = 100; i-- != 0;) down[std::to_string(i)] = i;
  EXPECT_EQ(hash(up), hash(down));
  EXPECT_EQ(hash(std::vector{up}), hash(std::vector{down}));
  EXPECT_EQ(hash(HashedAccount(up)), hash(HashedAccount(down)));  // within serialize, too
  down["0"] = 1;
  EXPECT_NE(hash(up), hash(down));
  EXPECT_NE(hash(std::unordered_multiset<int>{1, 1, 2}),
            hash(std::unordered_multiset<int>{1, 2, 2}));
}

TEST(Hash, ArraysCountByTypeShapeOrderAndElements) {
  const auto array = numbered({3, 4});
  EXPECT_EQ(hash(array), hash(numbered({3, 4})));
  EXPECT_EQ(hash(array), hash(array.view()));
  EXPECT_NE(hash(array), hash(numbered({4, 3})));
  EXPECT_NE(hash(array), hash(numbered({12})));
  EXPECT_NE(hash(array), hash(numbered({3, 4}, Order::fortran)));
  EXPECT_NE(hash(Array<float>({2})), hash(Array<double>({2})));
  EXPECT_NE(hash(Array<double>(Shape{})), hash(Array<double>({1})));
  // With gaps: as the same without.
  EXPECT_EQ(hash(array[{.step = 2}]), hash(Array<double>(array[{.step = 2}])));
}

TEST(Hash, AMappedArrayIsOneInMemory) {
  const std::string path = testing::TempDir() + "hash-" + std::to_string(getpid()) + ".npy";
  const auto array = numbered({100, 2000});
  dump(array, path);
  EXPECT_EQ(hash(load<Array<double>>(path, {MmapMode::read})), hash(array));
  EXPECT_EQ(hash(load<Array<double>>(path, {MmapMode::copy_on_write})), hash(array));
  std::filesystem::remove(path);
}

TEST(Hash, ChangedElementsCountUntilAnArrayIsFrozen) {
  auto array = numbered({100'000});
  const Digest before = hash(array);
  array(5) = -1;
  const Digest after = hash(array);
  EXPECT_NE(before, after);
  array.freeze();
  EXPECT_EQ(hash(array), after);
  // It is remembered: a change against the promise is not seen.
  const auto& shared = array;
  const_cast<double&>(shared(5)) = -2;
  EXPECT_EQ(hash(array), after);
  EXPECT_EQ(hash(shared.view()), after);
  EXPECT_NE(hash(shared[{0, 50'000}]), after);
}

TEST(Hash, AFrozenArrayThatIsGoneIsForgotten) {
  std::set<std::string> all;
  for (int i = 0; i != 200; ++i) {  // the allocator gives the same addresses again
    Array<double> array({20'000});
    array(0) = i;
    array.freeze();
    all.insert(hash(array).to_string());
  }
  EXPECT_EQ(all.size(), 200u);
}

TEST(Hash, ASealedFileIsReadOnce) {
  const int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  ASSERT_GE(fd, 0);
  const auto array = numbered({100'000});
  ASSERT_EQ(write(fd, array.data(), array.bytes()), static_cast<ssize_t>(array.bytes()));
  ASSERT_EQ(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW), 0);
  const auto mapped = map_raw<double>("/proc/self/fd/" + std::to_string(fd), {100'000});
  close(fd);
  EXPECT_EQ(hash(mapped), hash(array));
  EXPECT_EQ(hash(mapped), hash(array));
}

TEST(Hash, LongInputsFold) {
  std::set<std::string> all;
  for (std::size_t length = 0; length != 600; ++length)
    all.insert(hash(std::vector<std::string>(length, "ab")).to_string());
  EXPECT_EQ(all.size(), 600u);
}

// The digests are part of what lies on users' disks: they never change.
TEST(Hash, GoldenDigests) {
  EXPECT_EQ(hash(1).to_string(), "b4044123cbaf8a508d3e3bb410745511");
  EXPECT_EQ(hash(1.5).to_string(), "cf135fd922ebd8d3692cd9e1cf04a892");
  EXPECT_EQ(hash(std::string("paracord")).to_string(), "275410251caf53058cf31fcd9ee97902");
  EXPECT_EQ(hash(std::vector<double>{1, 2, 3}).to_string(), "24a82fe3f7e5788f90fa3f81ac0f5781");
  EXPECT_EQ(hash(std::map<std::string, int>{{"a", 1}, {"b", 2}}).to_string(),
            "665bb085a2afd76e9247252a4e129e42");
  EXPECT_EQ(hash(std::unordered_map<std::string, int>{{"a", 1}, {"b", 2}}).to_string(),
            "369174e62d475184a8575c17d0d8b828");
  EXPECT_EQ(hash(HashedPoint{1, 2}).to_string(), "eccece16ba418696b6d7badcd716f784");
  EXPECT_EQ(hash(std::vector<HashedPadded>{{'a', 1}, {'b', 2}}).to_string(),
            "1f4c02badd5d45cd9190e019c83bb598");
  EXPECT_EQ(hash(HashedAccount({{"x", 1}, {"y", 2}})).to_string(),
            "d25651937d13f12cc64bcb5dee94cd20");
  EXPECT_EQ(hash(HashedDate(3)).to_string(), "5dfedeadf56053f31f04ace5fff46b21");
  EXPECT_EQ(hash(numbered({3, 4}, Order::fortran)).to_string(), "0855f8e73966c662b3b296daf1026df5");
  EXPECT_EQ(hash(numbered({50'000})).to_string(), "b65f745b7e8aeff5453f62a7513fa55a");
  EXPECT_EQ(hash(std::tuple(1, 'x', std::optional<float>(2.0f), HashedColour::green)).to_string(),
            "021416cfb903aa1bce38baee158852a9");
#ifdef __x86_64__
  EXPECT_EQ(hash(1.5L).to_string(), "c6491d96da2b2c10f8a7613474aca94e");
#endif
}

TEST(TypeText, IsTheSameForAllCompilers) {
  EXPECT_EQ((detail::type_text<std::map<std::string, std::vector<HashedPadded>>>()),
            "map<string<char8>,vector<paracord::HashedPadded{char8,float64}>>");
  EXPECT_EQ((detail::type_text<std::tuple<long, unsigned char, HashedColour, HashedAccount>>()),
            "tuple<int64,uint8,enum paracord::HashedColour:int16,paracord::HashedAccount>");
  EXPECT_EQ((detail::type_text<std::chrono::system_clock::time_point>()),
            "time_point<duration<int64>*1/1000000000>");
  EXPECT_EQ((detail::type_text<Array<std::complex<float>>>()), "Array<complex<float32>>");
  EXPECT_EQ((detail::type_text<std::bitset<3>>()), "std::bitset");
  EXPECT_EQ((detail::type_text<HashedWindow>()),
            "paracord::HashedWindow{paracord::HashedWindow::{int32,int32}}");
  EXPECT_EQ((detail::type_text<HashedLength<unsigned long>>()),
            "paracord::HashedLength<uint64>{float64}");
  EXPECT_EQ((detail::type_text<HashedLength<std::ratio<1, 2>>>()),
            "paracord::HashedLength<std::ratio<1,2>>{float64}");
  EXPECT_EQ((detail::type_text<std::chrono::steady_clock::time_point>()),
            "time_point<duration<int64>*1/1000000000> of std::chrono::steady_clock");
}

TEST(TypeText, IsReadAsTheFirstReleaseWroteIt) {
  EXPECT_EQ((detail::first_type_text<HashedLength<HashedMetre>>()),
            "paracord::HashedLength{float64}");
  EXPECT_EQ((detail::first_type_text<std::chrono::steady_clock::time_point>()),
            "time_point<duration<int64>*1/1000000000>");
  EXPECT_EQ((detail::first_type_text<std::vector<HashedPadded>>()),
            detail::type_text<std::vector<HashedPadded>>());
}

}  // namespace
}  // namespace paracord
