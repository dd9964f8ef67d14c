#pragma once

// Values of many types, whose files and digests of release 1 are kept in tests/memmap/golden.

#include <bitset>
#include <chrono>
#include <complex>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <forward_list>
#include <list>
#include <map>
#include <memory>
#include <numeric>
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

namespace golden {

struct Point {
  double x, y;
  bool operator==(const Point&) const = default;
};
struct Padded {
  char c;
  double x;
  bool flag;
  bool operator==(const Padded&) const = default;
};
struct Grid {
  int cells[2][3];
  Point corner;
  bool operator==(const Grid&) const = default;
};
struct Empty {
  bool operator==(const Empty&) const = default;
};
struct Mixed {
  Point point;
  int grid[3];
  std::string text;
  std::vector<Point> path;
  Empty empty;
  bool operator==(const Mixed&) const = default;
};
struct Node {
  int value;
  std::unique_ptr<Node> next;
  bool operator==(const Node& other) const {
    return value == other.value && (next == nullptr) == (other.next == nullptr) &&
           (next == nullptr || *next == *other.next);
  }
};
enum class Colour : short { red, green };
enum Plain : unsigned { none, some = 7 };

struct Described {
  int number = 0;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, text);
  }
  bool operator==(const Described&) const = default;
};
class Account {
 public:
  Account() = default;
  explicit Account(std::unordered_map<std::string, int> rates) : rates_(std::move(rates)) {}
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number_, rates_);
  }
  bool operator==(const Account&) const = default;

 private:
  int number_ = 7;
  std::unordered_map<std::string, int> rates_;
};
struct Split {
  int number = 0;
  template <class Archive>
  void save(Archive& archive) const {
    archive(number + 1);
  }
  template <class Archive>
  void load(Archive& archive) {
    archive(number);
    --number;
  }
  bool operator==(const Split&) const = default;
};
struct Outside {
  int number = 0;
  bool operator==(const Outside&) const = default;
};
template <class Archive>
void serialize(Archive& archive, Outside& value) {
  archive(value.number);
}
struct Date {
  explicit Date(int day) : day(day) {}
  int day;
  bool operator==(const Date&) const = default;
};
struct Holding {
  std::string name;
  paracord::Array<double> array;
  std::optional<Date> date;
  bool operator==(const Holding& other) const {
    return name == other.name && date == other.date && array.shape() == other.array.shape() &&
           std::equal(array.data(), array.data() + array.size(), other.array.data());
  }
};

}  // namespace golden

template <>
struct paracord::Codec<golden::Date> {
  static void encode(Encoder& out, const golden::Date& date) { out.put(date.day); }
  static golden::Date decode(Decoder& in) { return golden::Date(in.get<int>()); }
};

namespace golden {

inline paracord::Array<double> counted(const paracord::Shape& shape,
                                       paracord::Order order = paracord::Order::c) {
  auto array = paracord::Array<double>::uninitialized(shape, order);
  std::iota(array.data(), array.data() + array.size(), 0.0);
  return array;
}

template <class Use>
void for_each_number(Use use) {
  use("bool", true);
  use("char", 'x');
  use("signed_char", static_cast<signed char>(-3));
  use("uint8", std::uint8_t{200});
  use("int16", std::int16_t{-300});
  use("uint16", std::uint16_t{60000});
  use("int", 1);
  use("unsigned", 4000000000u);
  use("long", -5000000000L);
  use("unsigned_long_long", ~0ULL);
  use("wchar", L'\x263a');
  use("char8", u8'a');
  use("char16", u'\x263a');
  use("char32", U'\x1f600');
  use("float", 1.5f);
  use("double", -0.0);
#ifdef __x86_64__
  use("long_double", 1.5L);
#endif
  use("colour", Colour::green);
  use("plain_enum", Plain::some);
  use("complex_float", std::complex<float>(1, -2));
  use("complex_double", std::complex<double>(0.5, 8));
  use("seconds", std::chrono::seconds(17));
  use("milliseconds", std::chrono::milliseconds(17));
  use("hours_double", std::chrono::duration<double, std::ratio<3600>>(0.25));
  use("system_time", std::chrono::system_clock::time_point(std::chrono::seconds(1700000000)));
}

template <class Use>
void for_each_container(Use use) {
  use("string", std::string("a\0b", 3));
  use("vector_int", std::vector<int>{1, 2, 3});
  use("vector_empty", std::vector<double>{});
  use("vector_bool", std::vector<bool>{true, false, true});
  use("vector_string", std::vector<std::string>{"", "x", "long enough to be on the heap for sure"});
  use("vector_vector", std::vector<std::vector<double>>{{1, 2}, {}, {3}});
  use("vector_point", std::vector<Point>{{1, 2}, {3, 4}});
  use("vector_padded", std::vector<Padded>{{'a', 1, true}, {'b', 2, false}});
  use("vector_empties", std::vector<Empty>(3));
  use("vector_large", std::vector<double>(8192, 2.5));
  use("deque", std::deque<Point>{{1, 2}, {3, 4}});
  use("list", std::list<std::pair<int, std::string>>{{1, "q"}});
  use("forward_list", std::forward_list<int>{1, 2, 3});
  use("array_int", std::array<int, 3>{1, 2, 3});
  use("array_string", std::array<std::string, 2>{"a", "b"});
  use("set", std::set<std::string>{"b", "a"});
  use("multiset", std::multiset<int>{2, 1, 2});
  use("map", std::map<std::string, int>{{"a", 1}, {"b", 2}});
  use("map_nested", std::map<std::string, std::vector<int>>{{"k", {1, 2}}, {"", {}}});
  use("multimap", std::multimap<int, char>{{1, 'a'}, {1, 'b'}});
  use("unordered_map", std::unordered_map<std::string, int>{{"a", 1}, {"b", 2}});
  use("unordered_set", std::unordered_set<int>{5, 3, 9});
  use("unordered_multiset", std::unordered_multiset<int>{5, 5, 9});
}

template <class Use>
void for_each_other(Use use) {
  use("pair", std::pair<int, std::string>(1, "x"));
  use("tuple", std::tuple<int, char, std::optional<float>, Colour>(1, 'x', 2.0f, Colour::green));
  use("tuple_empty", std::tuple<>());
  use("optional", std::optional<std::string>("x"));
  use("optional_empty", std::optional<int>());
  use("variant", std::variant<int, std::string, std::monostate>("x"));
  use("unique_ptr", std::make_unique<int>(7));
  use("shared_ptr", std::make_shared<std::string>("x"));
  use("shared_ptr_null", std::shared_ptr<double>());
  use("bitset", std::bitset<70>("101"));
  use("path", std::filesystem::path("/a/b"));
  use("monostate", std::monostate());
  use("point", Point{1, 2});
  use("padded", Padded{'c', 2, true});
  use("grid", Grid{{{1, 2, 3}, {4, 5, 6}}, {7, 8}});
  use("empty", Empty());
  use("mixed", Mixed{{1, 2}, {3, 4, 5}, "text", {{6, 7}}, {}});
  use("node", Node{1, std::make_unique<Node>(Node{2, nullptr})});
  use("described", Described{3, "three"});
  use("vector_described", std::vector<Described>{{3, "three"}, {4, "four"}});
  use("account", Account({{"x", 1}, {"y", 2}}));
  use("split", Split{8});
  use("outside", Outside{9});
  use("date", Date(3));
  use("map_date", std::map<int, Date>{{1, Date(4)}});
  use("holding", Holding{"h", counted({3, 4}), Date(5)});
  use("vector_arrays", std::vector<paracord::Array<double>>{counted({2}), counted({2, 2})});
  use("array_points", paracord::Array<Point>({2, 2}));
}

/// Calls `use` with a name and a value of each type.
template <class Use>
void for_each_value(Use use) {
  for_each_number(use);
  for_each_container(use);
  for_each_other(use);
}

}  // namespace golden
