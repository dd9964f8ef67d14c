// Values of many types, to bytes and back.

#include "paracord/core/codec.h"

#include <gtest/gtest.h>

#include <cmath>
#include <complex>
#include <deque>
#include <filesystem>
#include <functional>
#include <limits>
#include <list>
#include <map>
#include <random>
#include <set>
#include <unordered_map>
#include <vector>

#include "paracord/core/cereal.h"
#include "paracord/core/errors.h"

namespace paracord::codec_tests {

struct Point {
  int x;
  double y;
  bool operator==(const Point&) const = default;
};
struct Mixed {
  Point point;
  int grid[3];
  std::string text;
  std::vector<Point> path;
  bool operator==(const Mixed&) const = default;
};
struct Node {
  int value;
  std::unique_ptr<Node> next;
};
struct Described {
  int number = 0;
  std::string text;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(number, cereal::make_nvp("text", text));
  }
  bool operator==(const Described&) const = default;
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
struct Derived : Described {
  double more = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(cereal::base_class<Described>(this), more);
  }
};
struct HasPointer {
  int* pointer;
  int number;
};
struct Viewing {
  std::vector<std::span<const int>> parts;
};

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};
struct Square : Shape {
  double side = 0;
  double area() const override { return side * side; }
  template <class Archive>
  void serialize(Archive& archive) {
    archive(side);
  }
};

template <class T>
T there_and_back(const T& value) {
  Encoder out;
  detail::encode(out, value);
  Decoder in(out.data(), out.size());
  T back = detail::decode<T>(in);
  EXPECT_EQ(in.left(), 0u);
  return back;
}
template <class T>
void expect_same(const T& value) {
  EXPECT_EQ(there_and_back(value), value);
}

TEST(Codec, Numbers) {
  expect_same(std::numeric_limits<int>::min());
  expect_same(-0.0);
  expect_same(std::numeric_limits<double>::infinity());
  EXPECT_TRUE(std::isnan(there_and_back(std::nan(""))));
  expect_same(true);
  expect_same(std::complex<float>(1, -2));
}

TEST(Codec, Containers) {
  expect_same(std::string("a\0b", 3));
  expect_same(std::vector<int>{});
  expect_same(std::vector<bool>{true, false, true});
  expect_same(std::vector<std::string>{"", "x"});
  expect_same(std::deque<Point>{{1, 2}, {3, 4}});
  expect_same(std::list<std::pair<int, std::string>>{{1, "q"}});
  expect_same(std::set<std::string>{"b", "a"});
  expect_same(std::map<std::string, std::vector<int>>{{"k", {1, 2}}, {"", {}}});
  expect_same(std::unordered_map<int, std::optional<std::string>>{{1, "x"}, {2, std::nullopt}});
  expect_same(std::array<std::string, 2>{"a", "b"});
  expect_same(std::forward_list<int>{1, 2, 3});
}

TEST(Codec, OtherTypesOfTheStandard) {
  expect_same(std::tuple<int, std::string>(1, "x"));
  expect_same(std::variant<int, std::string, std::monostate>("x"));
  expect_same(std::chrono::milliseconds(17));
  expect_same(std::bitset<70>("101"));
  expect_same(std::filesystem::path("/a/b"));
  EXPECT_EQ(*there_and_back(std::make_unique<int>(7)), 7);
  EXPECT_EQ(there_and_back(std::shared_ptr<std::string>()), nullptr);
}

TEST(Codec, Aggregates) {
  static_assert(detail::is_flat<Point>);
  static_assert(detail::field_count<Mixed>() == 4);
  expect_same(Mixed{{1, 2}, {3, 4, 5}, "text", {{6, 7}}});
  const Node back = there_and_back(Node{1, std::make_unique<Node>(Node{2, nullptr})});
  EXPECT_EQ(back.next->value, 2);
}

TEST(Codec, ClassesThatDescribeThemselves) {
  Described described;
  described.number = 3;
  described.text = "three";
  expect_same(described);
  expect_same(std::vector<Described>{described, described});
  Split split;
  split.number = 8;
  expect_same(split);
  Derived derived;
  derived.number = 4;
  derived.more = 2.5;
  EXPECT_EQ(there_and_back(derived).number, 4);
  EXPECT_EQ(there_and_back(derived).more, 2.5);
}

TEST(Codec, PointersToPolymorphicClasses) {
  auto square = std::make_unique<Square>();
  square->side = 3;
  const std::unique_ptr<Shape> shape = std::move(square);
  EXPECT_EQ(there_and_back(shape)->area(), 9);
}

TEST(Codec, KnowsWhatCannotTravel) {
  int captured = 1;
  const auto closure = [captured] { return captured; };
  static_assert(!detail::is_encodable<int*>);
  static_assert(!detail::is_encodable<HasPointer>);
  static_assert(!detail::is_encodable<std::function<void()>>);
  static_assert(!detail::is_encodable<std::vector<int*>>);
  static_assert(!detail::is_encodable<std::remove_const_t<decltype(closure)>>);
  const std::string why = detail::why_not_encodable<std::vector<HasPointer>>();
  EXPECT_NE(why.find("HasPointer"), std::string::npos) << why;
  EXPECT_NE(why.find("int*"), std::string::npos) << why;
}

// Takes all memory by reference, and counts.
struct Recording final : detail::MemorySender {
  bool send(Encoder&, const void*, std::size_t bytes, MemoryAccess,
            const std::shared_ptr<const void>*) override {
    seen.push_back(bytes);
    return false;
  }
  bool send_copy(Encoder&, const void*, std::size_t) override { return false; }
  std::vector<std::size_t> seen;
};

TEST(Codec, FindsArraysWhereverTheyStand) {
  const std::vector<int> a(10), b(20);
  Recording sender;
  Encoder out(&sender);
  detail::encode(out, std::vector<Viewing>{{{a, b}}, {{b}}});
  EXPECT_EQ(sender.seen, (std::vector<std::size_t>{40, 80, 80}));
}

TEST(Codec, RefusesMessagesThatEndTooEarly) {
  using Value = std::map<std::string, std::variant<int, std::vector<Mixed>>>;
  Encoder out;
  detail::encode(out, Value{{"a", 1}, {"b", std::vector<Mixed>{{{1, 2}, {3, 4, 5}, "t", {}}}}});
  for (std::size_t size = 0; size != out.size(); ++size) {
    Decoder in(out.data(), size);
    EXPECT_THROW((void)detail::decode<Value>(in), SerializationError) << size;
  }
}

TEST(Codec, SurvivesGarbage) {
  using Value = std::vector<std::map<std::string, std::optional<std::variant<int, Mixed>>>>;
  std::mt19937 random(11);
  for (int round = 0; round != 2000; ++round) {
    std::vector<unsigned char> bytes(random() % 200);
    for (auto& byte : bytes) byte = static_cast<unsigned char>(random() % 4 == 0 ? random() : 0);
    Decoder in(bytes.data(), bytes.size());
    try {
      (void)detail::decode<Value>(in);
    } catch (const SerializationError&) {
      // As it should be.
    }
  }
}

}  // namespace paracord::codec_tests

CEREAL_REGISTER_TYPE(paracord::codec_tests::Square)
CEREAL_REGISTER_POLYMORPHIC_RELATION(paracord::codec_tests::Shape, paracord::codec_tests::Square)
