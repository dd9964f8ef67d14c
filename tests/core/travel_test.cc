// Types that cannot travel: a program that uses them compiles and runs where memory is shared, and
// is told why it does not elsewhere.

#include "paracord/core/travel.h"

#include <gtest/gtest.h>

#include <any>
#include <functional>
#include <map>
#include <memory>
#include <memory_resource>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/core/delayed.h"
#include "paracord/core/parallel.h"
#include "paracord/paracord.h"

namespace paracord::travel_tests {

struct Bits {
  unsigned low : 3;
  unsigned high : 5;
  int rest;
};
struct Tagged {
  int tag;
  union {
    int i;
    double d;
  };
};
struct Referring {
  const int& what;
  int number;
};
class NoCodec {
 public:
  explicit NoCodec(int value) : value(value) {}
  int value;

 private:
  int* pointer_ = nullptr;
};
struct Holder {
  std::optional<NoCodec> maybe;
};
struct BadTree {
  std::vector<BadTree> children;
  int* pointer = nullptr;
};
struct Samples : std::vector<double> {
  double rate = 0;
};
struct Deviation : std::map<std::string, double> {
  bool known = false;
};
struct Base {
  int x = 0;
  template <class Archive>
  void serialize(Archive& archive) {
    archive(x);
  }
};
struct Inherits : Base {
  int y = 0;
};
struct Outside {
  int x = 0;
};
template <class Archive>
void serialize(Archive& archive, Outside& value) {
  archive(value.x);
}
struct InheritsOutside : Outside {
  InheritsOutside() {}
  int y = 0;
};
struct Descending {
  int factor = 1;
  bool operator()(int a, int b) const { return a * factor < b * factor; }
};
// As JSON values do, it looks like a container of itself.
class Json {
 public:
  using value_type = Json;
  Json() = default;
  explicit Json(int number) : number_(number) {}
  const Json* begin() const { return this; }
  const Json* end() const { return this + 1; }
  Json* begin() { return this; }
  Json* end() { return this + 1; }
  std::size_t size() const { return 1; }
  Json* insert(Json* at, Json) { return at; }
  int number() const { return number_; }

 private:
  int number_ = 0;
  std::any rest_;
};
struct HasJson {
  int key;
  Json json;
};
// It looks like a container, and holds more than it shows.
class Ring {
 public:
  using value_type = int;
  using iterator = std::vector<int>::iterator;
  auto begin() const { return values_.begin(); }
  auto end() const { return values_.end(); }
  auto begin() { return values_.begin(); }
  auto end() { return values_.end(); }
  std::size_t size() const { return values_.size(); }
  void insert(iterator at, int value) { values_.insert(at, value); }
  int capacity = 8;

 private:
  std::vector<int> values_;
};
struct Declared;

template <class T>
int look_at(const T&) {
  return 1;
}
template <class T>
T make() {
  return T();
}

// Runs on threads a call that takes one; says why it cannot run in another process.
template <class T>
std::string why_not(T value) {
  static_assert(!travels<&look_at<T>>);
  Parallel parallel({.n_jobs = 2, .backend = "threads"});
  std::vector<decltype(delayed<&look_at<T>>(std::cref(value)))> tasks(
      4, delayed<&look_at<T>>(std::cref(value)));
  EXPECT_EQ(parallel(tasks), (std::vector<int>(4, 1)));
  return tasks[0].why_bound_here();
}

void expect_in(const std::string& text, std::initializer_list<const char*> parts) {
  for (const char* part : parts) EXPECT_NE(text.find(part), std::string::npos) << text;
}

TEST(Travel, MembersThatCannotBeToldApartRunOnThreads) {
  const int number = 3;
  expect_in(why_not(Bits{1, 2, 3}), {"Bits", "bit-fields", "serialize"});
  expect_in(why_not(Tagged{}), {"Tagged", "union", "serialize"});
  expect_in(why_not(Referring{number, 1}), {"Referring", "references", "serialize"});
  expect_in(why_not(std::vector<Bits>{}), {"in a std::vector", "Bits", "bit-fields"});
}

TEST(Travel, WhatHoldsAClassWithoutCodecRunsOnThreads) {
  expect_in(why_not(NoCodec(1)), {"NoCodec", "has no codec"});
  expect_in(why_not(Holder{}), {"in a", "Holder", "optional", "NoCodec", "has no codec"});
  expect_in(why_not(std::make_shared<NoCodec>(1)), {"shared_ptr", "NoCodec", "has no codec"});
  expect_in(why_not(std::make_unique<NoCodec>(1)), {"unique_ptr", "NoCodec", "has no codec"});
  expect_in(why_not(std::shared_ptr<Declared>()), {"Declared", "not defined"});
  expect_in(why_not(BadTree{}), {"BadTree", "int*", "points at memory"});
  expect_in(why_not(std::vector<BadTree>{}), {"BadTree", "int*", "points at memory"});
  EXPECT_FALSE((travels<&make<std::mutex*>>));
}

TEST(Travel, WhatLooksLikeAContainerRunsOnThreads) {
  expect_in(why_not(Samples{}), {"Samples", "container and more", "member"});
  expect_in(why_not(Deviation{}), {"Deviation", "container and more"});
  expect_in(why_not(Ring{}), {"Ring", "is_container"});
  expect_in(why_not(Json(3)), {"Json", "has no codec"});
  expect_in(why_not(HasJson{1, Json(2)}), {"HasJson", "Json", "has no codec"});
}

TEST(Travel, WhatWouldLoseItsStateRunsOnThreads) {
  const std::set<int, Descending> set(Descending{-1});
  expect_in(why_not(set), {"std::set", "with state"});
  using Compare = bool (*)(int, int);
  expect_in(why_not(std::map<int, int, Compare>(nullptr)), {"std::map", "with state"});
  using Hash = std::function<std::size_t(int)>;
  expect_in(why_not(std::unordered_map<int, int, Hash>()), {"std::unordered_map", "with state"});
  expect_in(why_not(std::pmr::vector<int>()), {"allocator", "with state"});
}

TEST(Travel, WhatItsBaseDescribesRunsOnThreads) {
  expect_in(why_not(Inherits{}), {"Inherits", "of a base class"});
  expect_in(why_not(InheritsOutside{}), {"InheritsOutside", "of a base class"});
}

TEST(Travel, AdviceFitsWhatAPointerPointsAt) {
  expect_in(detail::why_not_encodable<int (*)(int)>(), {"points at code", "delayed<function>"});
  expect_in(detail::why_not_encodable<int (NoCodec::*)()>(), {"points at code"});
  expect_in(detail::why_not_encodable<std::function<void()>>(),
            {"holds code", "delayed<function>"});
  expect_in(detail::why_not_encodable<int NoCodec::*>(), {"says which member"});
  expect_in(detail::why_not_encodable<const char*>(), {"std::string"});
  expect_in(detail::why_not_encodable<double*>(), {"std::span"});
}

[[maybe_unused]] const std::string constant_text(const std::string& text) {
  return text + "!";
}
[[maybe_unused]] const Json constant_json(int number) {
  return Json(number);
}

TEST(Travel, ConstResultsAreValues) {
  static_assert(travels<constant_text>);
  static_assert(std::is_same_v<decltype(delayed<constant_text>("a")()), std::string>);
  Parallel parallel({.n_jobs = 2, .backend = "threads"});
  std::vector tasks(3, delayed<constant_text>("a"));
  EXPECT_EQ(parallel(tasks), (std::vector<std::string>(3, "a!")));
  std::vector others(3, delayed<constant_json>(4));
  EXPECT_EQ(parallel(others)[2].number(), 4);
}

TEST(Travel, PrintingEnds) {
  const auto text = delayed<&look_at<Json>>(Json(3)).text().arguments;
  expect_in(text, {"Json"});
  std::vector<std::vector<std::vector<std::vector<std::vector<std::vector<int>>>>>> deep(1);
  deep[0].resize(1);
  deep[0][0].resize(1);
  deep[0][0][0].resize(1);
  deep[0][0][0][0].resize(1);
  EXPECT_EQ(delayed<&look_at<decltype(deep)>>(deep).text().arguments, "{{{{{…}}}}}");
}

}  // namespace paracord::travel_tests
