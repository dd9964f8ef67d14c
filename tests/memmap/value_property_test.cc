// Of values of many types, each unlike the others of its type in one place: equal ones have equal
// digests, others have not; and what travels, or lies in a file, comes back equal.

#include <gtest/gtest.h>

#include <bitset>
#include <chrono>
#include <complex>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "paracord/memmap/hash.h"
#include "paracord/memmap/persist.h"

namespace value_properties {

struct Point {
  double x, y;
  bool operator==(const Point&) const = default;
};
struct Gaps {
  char c;
  double x;
  bool flag;
  short s;
  bool operator==(const Gaps&) const = default;
};
struct Grid {
  int cells[2][2];
  Point corners[2];
  bool operator==(const Grid&) const = default;
};
struct Named {
  const int id;
  const std::string name;
  std::vector<Point> path;
  bool operator==(const Named&) const = default;
};
struct LongDoubles {
  std::complex<long double> z;
  long double x;
  bool operator==(const LongDoubles&) const = default;
};
struct Tree {
  std::vector<Tree> children;
  int value;
  bool operator==(const Tree&) const = default;
};
struct ByName {
  std::map<std::string, ByName> within;
  int value;
  bool operator==(const ByName&) const = default;
};
struct Forest : std::vector<Forest> {
  using vector::vector;
};
struct Words : std::vector<std::string> {
  using vector::vector;
};
struct Chain {
  int value;
  std::unique_ptr<Chain> next;
  bool operator==(const Chain& other) const {
    return value == other.value && (next == nullptr) == (other.next == nullptr) &&
           (next == nullptr || *next == *other.next);
  }
};
enum class Colour : short { red, green };
enum Level : unsigned char { low, high };
struct Base {
  int x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x);
  }
  bool operator==(const Base&) const = default;
};
struct More : Base {
  More() = default;
  More(int first, int second) : y(second) { x = first; }
  int y = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    Base::serialize(archive);
    archive(y);
  }
  bool operator==(const More&) const = default;
};
struct Samples : std::vector<double> {
  Samples() = default;
  Samples(std::vector<double> values, double hertz) : vector(std::move(values)), rate(hertz) {}
  double rate = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(static_cast<const std::vector<double>&>(*this), rate);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(static_cast<std::vector<double>&>(*this), rate);
  }
};
template <class Derived>
struct Described {
  template <class Archive>
  void serialize(Archive& archive) {
    static_cast<Derived&>(*this).members(archive);
  }
};
struct Curious : Described<Curious> {
  Curious() = default;
  explicit Curious(int v) : value(v) {}
  int value = 0;
  template <class Archive>
  void members(Archive& archive) {
    archive(value);
  }
  bool operator==(const Curious& other) const { return value == other.value; }
};
// Its codec writes less than its bytes: what is equal has equal digests.
struct Angle {
  int degrees;
  bool operator==(const Angle& other) const { return degrees % 360 == other.degrees % 360; }
};
struct Turn {
  Angle by;
  int times;
  bool operator==(const Turn&) const = default;
};
// Trivially copyable, with a constructor and gaps: its members are not known.
class Closed {
 public:
  Closed() = default;
  Closed(char c, double x) : c_(c), x_(x) {}
  bool operator==(const Closed&) const = default;

 private:
  char c_ = 0;
  double x_ = 0;
};
struct alignas(256) Wide {
  double x;
  bool operator==(const Wide&) const = default;
};
struct Nothing {
  bool operator==(const Nothing&) const = default;
};
struct Nothings {
  Nothing a, b;
  bool operator==(const Nothings&) const = default;
};
struct NoWords {
  template <class Archive>
  void serialize(Archive&) {}
  bool operator==(const NoWords&) const = default;
};
struct Backwards {
  bool operator()(int a, int b) const { return a > b; }
};

}  // namespace value_properties

template <>
struct paracord::Codec<value_properties::Angle> {
  static void encode(Encoder& out, const value_properties::Angle& angle) {
    out.put(angle.degrees % 360);
  }
  static value_properties::Angle decode(Decoder& in) { return {in.get<int>()}; }
};

namespace value_properties {
namespace {

template <class T>
bool same(const T& a, const T& b) {
  if constexpr (requires {
                  a.get();
                  *a;
                }) {
    return (a == nullptr) == (b == nullptr) && (a == nullptr || same(*a, *b));
  } else if constexpr (std::is_same_v<T, Samples>) {
    return static_cast<const std::vector<double>&>(a) == b && a.rate == b.rate;
  } else if constexpr (std::is_same_v<T, Forest>) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](const Forest& x, const Forest& y) { return same(x, y); });
  } else if constexpr (paracord::detail::is_array_class<T>) {
    return a.shape() == b.shape() && std::equal(a.data(), a.data() + a.size(), b.data());
  } else {
    return a == b;
  }
}

template <class T>
T travelled(const T& value) {
  paracord::Encoder out;
  paracord::detail::encode(out, value);
  paracord::Decoder in(out.data(), out.size());
  T back = paracord::detail::decode<T>(in);
  EXPECT_EQ(in.left(), 0u);
  return back;
}

template <class T>
T from_file(const T& value) {
  static const std::string path = testing::TempDir() + "value-property-" + std::to_string(getpid());
  paracord::dump(value, path);
  T back = paracord::load<T>(path);
  std::filesystem::remove(path);
  return back;
}

// No two of the values are equal.
template <class T, class... More>
void check(T first, More... others) {
  const std::string type = paracord::detail::type_name<T>();
  const std::array<const T*, 1 + sizeof...(More)> values{&first, &others...};
  for (const T* value : values) {
    const T back = travelled(*value);
    EXPECT_TRUE(same(back, *value)) << type;
    EXPECT_EQ(paracord::hash(back), paracord::hash(*value)) << type;
    const T read = from_file(*value);
    EXPECT_TRUE(same(read, *value)) << type;
    EXPECT_EQ(paracord::hash(read), paracord::hash(*value)) << type;
    for (const T* other : values) {
      if (other == value) continue;
      EXPECT_NE(paracord::hash(*other), paracord::hash(*value)) << type;
    }
  }
}

template <class... T>
void check_numbers() {
  (check(T{0}, T{1}, T{100}), ...);
}

TEST(ValueProperties, OfNumbers) {
  check_numbers<char, signed char, unsigned char, short, unsigned short, int, unsigned, long,
                unsigned long, long long, unsigned long long, wchar_t, char8_t, char16_t, char32_t,
                float, double, long double>();
  check(true, false);
  check(Colour::red, Colour::green);
  check(Level::low, Level::high);
  check(std::complex<float>(1, 2), std::complex<float>(1, 3), std::complex<float>(2, 2));
  check(std::complex<double>(1, 2), std::complex<double>(1, 3), std::complex<double>(2, 2));
  using Long = std::complex<long double>;
  check(Long(1, 2), Long(1, 3), Long(2, 2));
  check(std::vector<Long>{{1, 2}}, std::vector<Long>{{1, 3}}, std::vector<Long>{});
  check(LongDoubles{{1, 2}, 3}, LongDoubles{{1, 4}, 3}, LongDoubles{{1, 2}, 4});
  using std::chrono::steady_clock;
  check(std::chrono::seconds(1), std::chrono::seconds(2));
  check(steady_clock::time_point(std::chrono::seconds(1)),
        steady_clock::time_point(std::chrono::seconds(2)));
}

TEST(ValueProperties, OfAggregates) {
  check(Point{1, 2}, Point{1, 3}, Point{2, 2});
  check(Gaps{'a', 1, true, 1}, Gaps{'b', 1, true, 1}, Gaps{'a', 2, true, 1}, Gaps{'a', 1, false, 1},
        Gaps{'a', 1, true, 2});
  check(Grid{{{1, 2}, {3, 4}}, {{1, 2}, {3, 4}}}, Grid{{{1, 2}, {3, 5}}, {{1, 2}, {3, 4}}},
        Grid{{{1, 2}, {3, 4}}, {{1, 2}, {3, 5}}});
  check(Named{1, "a", {{1, 2}}}, Named{2, "a", {{1, 2}}}, Named{1, "b", {{1, 2}}},
        Named{1, "a", {{1, 3}}});
  check(Tree{{{{}, 1}, {{{{}, 2}}, 3}}, 0}, Tree{{{{}, 1}, {{{{}, 4}}, 3}}, 0}, Tree{{}, 0});
  check(ByName{{{"a", {{}, 1}}}, 0}, ByName{{{"b", {{}, 1}}}, 0}, ByName{{{"a", {{}, 2}}}, 0});
  check(Chain{1, std::make_unique<Chain>(Chain{2, nullptr})},
        Chain{1, std::make_unique<Chain>(Chain{3, nullptr})}, Chain{1, nullptr});
  check(Turn{{5}, 1}, Turn{{6}, 1}, Turn{{5}, 2});
  check(Nothing());
  check(Nothings());
}

TEST(ValueProperties, OfClasses) {
  check(Base{1}, Base{2});
  check(More(1, 2), More(1, 3), More(2, 2));
  check(Samples({1, 2}, 3), Samples({1, 2}, 4), Samples({1, 3}, 3));
  check(std::vector<Samples>{{{1}, 3}}, std::vector<Samples>{{{1}, 4}});
  check(Curious(1), Curious(2));
  check(Angle{5}, Angle{6});
  check(std::vector<Angle>{{5}, {6}}, std::vector<Angle>{{5}, {7}});
  EXPECT_EQ(paracord::hash(Angle{5}), paracord::hash(Angle{365}));
  EXPECT_EQ(paracord::hash(Turn{{5}, 1}), paracord::hash(Turn{{365}, 1}));
  EXPECT_EQ(paracord::hash(std::vector<Angle>{{5}}), paracord::hash(std::vector<Angle>{{365}}));
  check(Words{"a", "b"}, Words{"a", "c"}, Words{});
  Forest one(1), two(2), deep(1);
  deep[0].resize(1);
  check(one, two, deep);
}

TEST(ValueProperties, OfContainers) {
  check(std::string("a"), std::string("b"), std::string(), std::string("a\0", 2));
  check(std::u16string(u"a"), std::u16string(u"b"), std::u16string());
  check(std::u32string(U"a"), std::u32string(U"b"));
  check(std::wstring(L"a"), std::wstring(L"b"));
  check(std::vector<int>{1, 2}, std::vector<int>{2, 1}, std::vector<int>{1, 2, 0});
  check(std::vector<bool>{true}, std::vector<bool>{false}, std::vector<bool>{true, false});
  check(std::vector<std::string>{"ab", "c"}, std::vector<std::string>{"a", "bc"});
  check(std::vector<std::vector<int>>{{1}, {}}, std::vector<std::vector<int>>{{}, {1}});
  check(std::deque<int>{1, 2}, std::deque<int>{2, 1});
  check(std::list<std::string>{"a"}, std::list<std::string>{"b"});
  check(std::forward_list<int>{1}, std::forward_list<int>{2}, std::forward_list<int>{1, 1});
  check(std::array<int, 2>{1, 2}, std::array<int, 2>{2, 1});
  check(std::array<std::string, 2>{"a", "b"}, std::array<std::string, 2>{"ab", ""});
  check(std::array<int, 0>{});
  check(std::set<int>{1, 2}, std::set<int>{1}, std::set<int>{1, 3});
  check(std::set<int, Backwards>{1, 2}, std::set<int, Backwards>{1, 3});
  check(std::multiset<int>{1, 1}, std::multiset<int>{1});
  check(std::map<int, std::string>{{1, "a"}}, std::map<int, std::string>{{2, "a"}},
        std::map<int, std::string>{{1, "b"}});
  check(std::multimap<int, int>{{1, 1}, {1, 2}}, std::multimap<int, int>{{1, 2}, {1, 1}});
  check(std::unordered_map<int, int>{{1, 2}, {3, 4}}, std::unordered_map<int, int>{{1, 4}, {3, 2}});
  check(std::unordered_set<std::string>{"a"}, std::unordered_set<std::string>{"b"});
  check(std::unordered_multiset<int>{1, 1, 2}, std::unordered_multiset<int>{1, 2, 2});
  check(std::unordered_multimap<int, int>{{1, 1}}, std::unordered_multimap<int, int>{{1, 2}});
}

TEST(ValueProperties, OfElementsWithoutBytes) {
  check(std::vector<Nothing>(3), std::vector<Nothing>(4), std::vector<Nothing>());
  check(std::vector<Nothings>(3), std::vector<Nothings>(4));
  check(std::vector<NoWords>(3), std::vector<NoWords>(4));
  check(std::vector<std::tuple<>>(3), std::vector<std::tuple<>>(4));
  check(std::list<std::pair<Nothing, Nothing>>(3), std::list<std::pair<Nothing, Nothing>>(4));
  check(std::vector<std::array<std::string, 0>>(3), std::vector<std::array<std::string, 0>>(4));
  check(std::forward_list<Nothings>(3), std::forward_list<Nothings>(4));
}

TEST(ValueProperties, OfOthersOfTheStandard) {
  check(std::pair<int, std::string>(1, "a"), std::pair<int, std::string>(2, "a"),
        std::pair<int, std::string>(1, "b"));
  check(std::tuple<int, char, Point>(1, 'a', {1, 2}), std::tuple<int, char, Point>(1, 'a', {1, 3}));
  check(std::optional<int>(0), std::optional<int>(), std::optional<int>(1));
  using Either = std::variant<int, std::string, std::monostate, int>;
  check(Either(std::in_place_index<0>, 1), Either(std::in_place_index<3>, 1), Either("x"),
        Either(std::monostate()));
  check(std::make_unique<int>(1), std::make_unique<int>(2), std::unique_ptr<int>());
  check(std::make_shared<std::string>("a"), std::shared_ptr<std::string>());
  check(std::bitset<70>("101"), std::bitset<70>("100"));
  check(std::filesystem::path("/a/b"), std::filesystem::path("/a/c"));
}

template <class T>
paracord::Array<T> array_of(std::initializer_list<T> values) {
  auto array = paracord::Array<T>::uninitialized({values.size()});
  std::memset(static_cast<void*>(array.data()), 0xa5, array.bytes());  // also what is between
  std::uninitialized_copy(values.begin(), values.end(), array.data());
  return array;
}

TEST(ValueProperties, OfArrays) {
  check(array_of<double>({1, 2}), array_of<double>({1, 3}));
  check(array_of<bool>({true, false}), array_of<bool>({true, true}));
  check(array_of<Gaps>({{'a', 1, true, 1}}), array_of<Gaps>({{'a', 1, true, 2}}));
  check(array_of<Closed>({{'a', 1}}), array_of<Closed>({{'a', 2}}), array_of<Closed>({{'b', 1}}));
  check(array_of<Wide>({{1}, {2}}), array_of<Wide>({{1}, {3}}));
  // Whatever stands between the members.
  paracord::Array<Closed> zeros({1});
  zeros(0) = Closed('a', 1);
  auto filled = array_of<Closed>({{'a', 1}});
  std::memset(reinterpret_cast<char*>(filled.data()) + 1, 0xa5, alignof(double) - 1);
  std::memset(reinterpret_cast<char*>(zeros.data()) + 1, 0, alignof(double) - 1);
  EXPECT_EQ(paracord::hash(filled), paracord::hash(zeros));
}

}  // namespace
}  // namespace value_properties
