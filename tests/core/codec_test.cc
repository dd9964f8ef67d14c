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
// With a codec of its own, which comes before all that its shape says.
enum class Unit : int { metre, foot };
struct Length {
  int value;
  Unit unit;
  bool operator==(const Length&) const = default;
};
class Marked : public std::vector<int> {
 public:
  using vector::vector;
  int mark = 0;
  template <class Archive>
  void serialize(Archive&) {
    ADD_FAILURE() << "it has a codec";
  }
};
struct Ring {
  std::shared_ptr<Ring> next;
  std::map<int, std::shared_ptr<Ring>> others;
};
struct Tree {
  std::vector<Tree> children;
  int value = 0;
  bool operator==(const Tree&) const = default;
};
struct alignas(256) Wide {
  double x;
};
struct Flagged {
  int number;
  bool flags[2];
};
struct Nothing {};
struct Nothings {
  Nothing a, b;
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

}  // namespace paracord::codec_tests

template <>
struct paracord::Codec<paracord::codec_tests::Unit> {
  static void encode(Encoder& out, codec_tests::Unit unit) {
    out.put(unit == codec_tests::Unit::foot ? 'f' : 'm');
  }
  static codec_tests::Unit decode(Decoder& in) {
    return in.get<char>() == 'f' ? codec_tests::Unit::foot : codec_tests::Unit::metre;
  }
};
template <>
struct paracord::Codec<paracord::codec_tests::Marked> {
  static void encode(Encoder& out, const codec_tests::Marked& value) {
    detail::encode(out, static_cast<const std::vector<int>&>(value));
    out.put(value.mark);
  }
  static codec_tests::Marked decode(Decoder& in) {
    codec_tests::Marked value;
    static_cast<std::vector<int>&>(value) = detail::decode<std::vector<int>>(in);
    value.mark = in.get<int>();
    return value;
  }
};

namespace paracord::codec_tests {

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

TEST(Codec, OnesOwnComesFirst) {
  const std::vector<Length> lengths{{3, Unit::foot}, {4, Unit::metre}};
  Encoder out;
  detail::encode(out, lengths);
  EXPECT_EQ(out.size(),
            sizeof(std::uint64_t) + 2 * (sizeof(int) + 1));  // Unit's codec writes a byte
  Decoder in(out.data(), out.size());
  EXPECT_EQ(detail::decode<std::vector<Length>>(in), lengths);
  Marked marked{1, 2, 3};
  marked.mark = 9;
  const Marked back = there_and_back(marked);
  EXPECT_EQ(back.mark, 9);
  EXPECT_EQ(back.size(), 3u);
}

TEST(Codec, WhatPointsAtItselfIsRefused) {
  const auto ring = std::make_shared<Ring>();
  const auto expect_refused = [&] {
    Encoder out;
    try {
      detail::encode(out, ring);
      ADD_FAILURE() << "a circle has no end";
    } catch (const SerializationError& error) {
      EXPECT_NE(std::string(error.what()).find("circle"), std::string::npos) << error.what();
    }
  };
  ring->next = ring;
  expect_refused();
  ring->next = nullptr;
  ring->others[1] = ring;
  expect_refused();
  ring->others.clear();
  Encoder out;
  detail::encode(out, ring);
}

TEST(Codec, TreesAreDeepOnlySoFar) {
  Tree tree;
  for (int i = 0; i != 100; ++i) {
    Tree above{std::vector<Tree>(1), i};
    above.children[0] = std::move(tree);
    tree = std::move(above);
  }
  expect_same(tree);
  // A message that says that one is in another, for ever.
  std::vector<std::uint64_t> ones(1'000'000, 1);
  Decoder in(ones.data(), ones.size() * sizeof(std::uint64_t));
  EXPECT_THROW((void)detail::decode<Tree>(in), SerializationError);
}

TEST(Codec, ElementsWithoutBytesAreCounted) {
  EXPECT_EQ(there_and_back(std::vector<Nothings>(3)).size(), 3u);
  EXPECT_EQ(there_and_back(std::list<std::tuple<>>(5)).size(), 5u);
  const std::uint64_t many = ~std::uint64_t{0};
  const auto decode_many = [&]<class C>(std::type_identity<C>) {
    Decoder in(&many, sizeof many);
    EXPECT_THROW((void)detail::decode<C>(in), SerializationError);
  };
  decode_many(std::type_identity<std::list<std::string>>());
  decode_many(std::type_identity<std::map<int, int>>());
  decode_many(
      std::type_identity<std::set<Nothing, decltype([](Nothing, Nothing) { return false; })>>());
}

TEST(Codec, AKeyStandsOnce) {
  Encoder out;
  detail::encode(out, std::vector<std::pair<int, std::string>>{{1, "a"}, {1, "b"}});
  Decoder in(out.data(), out.size());
  EXPECT_THROW((void)(detail::decode<std::map<int, std::string>>(in)), SerializationError);
}

TEST(Codec, BoolsAreTrueOrFalse) {
  Encoder out;
  detail::encode(out, std::vector<Flagged>{{1, {true, false}}});
  detail::encode(out, Flagged{2, {false, true}});
  for (std::size_t i = 0; i != out.size(); ++i) {
    std::vector<unsigned char> bytes(out.size());
    std::memcpy(bytes.data(), out.data(), out.size());
    if (bytes[i] > 1) continue;
    bytes[i] = 2;
    Decoder in(bytes.data(), bytes.size());
    try {
      for (const Flagged& flagged : detail::decode<std::vector<Flagged>>(in))
        EXPECT_NE(flagged.flags[0], flagged.flags[1]);
      const auto flagged = detail::decode<Flagged>(in);
      EXPECT_NE(flagged.flags[0], flagged.flags[1]);
    } catch (const SerializationError&) {
      // As it should be, where it was a bool or a length.
    }
  }
}

TEST(Codec, ViewsOfElementsAlignedAboveMessagesAreAligned) {
  const std::vector<Wide> values{{1}, {2}, {3}};
  Encoder out;
  out.put('x');
  detail::encode(out, std::span<const Wide>(values));
  for (std::size_t shift = 0; shift != 256; shift += Encoder::memory_alignment) {
    alignas(256) std::byte message[4096];
    std::memcpy(message + shift, out.data(), out.size());
    Decoder in(message + shift, out.size());
    (void)in.get<char>();
    const auto view = detail::decode<std::span<const Wide>>(in);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(view.data()) % alignof(Wide), 0u);
    EXPECT_EQ(view[2].x, 3);
  }
}

}  // namespace paracord::codec_tests

CEREAL_REGISTER_TYPE(paracord::codec_tests::Square)
CEREAL_REGISTER_POLYMORPHIC_RELATION(paracord::codec_tests::Shape, paracord::codec_tests::Square)
