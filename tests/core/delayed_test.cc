#include "paracord/core/delayed.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <vector>

#include "paracord/core/config.h"
#include "paracord/core/task.h"
#include "paracord/paracord.h"
#include "paracord/tests/core/same_name.h"

namespace paracord {
namespace {

double half(double x) {
  return x / 2;
}
int overloaded(int x) {
  return x + 1;
}
std::string overloaded(const std::string& x) {
  return x + "!";
}
double total(std::span<const double> data) {
  return std::accumulate(data.begin(), data.end(), 0.0);
}
std::size_t length(std::string_view text) {
  return text.size();
}
std::size_t size_of(const std::vector<double>& data) {
  return data.size();
}
const void* address_of(const std::vector<double>& data) {
  return data.data();
}
void append(std::vector<int>& out, int value) {
  out.push_back(value);
}
int consume(std::unique_ptr<int> value) {
  return *value;
}
std::unique_ptr<int> produce(int value) {
  return std::make_unique<int>(value);
}
int always_three() noexcept {
  return 3;
}

struct Account {
  int balance = 0;
  int add(int amount) { return balance += amount; }
  int doubled() const { return 2 * balance; }
};

TEST(Delayed, CallsAFunctionWithItsArguments) {
  EXPECT_EQ(delayed<half>(5)(), 2.5);
}

TEST(Delayed, StoresTheParametersTypeNotTheArguments) {
  auto call = delayed<half>(3);  // an int, stored as the double that half takes
  EXPECT_EQ(call(), 1.5);
}

TEST(Delayed, ChoosesAnOverloadThroughACast) {
  EXPECT_EQ(delayed<static_cast<int (*)(int)>(overloaded)>(1)(), 2);
  EXPECT_EQ(delayed<static_cast<std::string (*)(const std::string&)>(overloaded)>("a")(), "a!");
}

TEST(Delayed, CopiesValues) {
  std::string text = "before";
  auto call = delayed([](const std::string& kept) { return kept; }, text);
  text = "after";
  EXPECT_EQ(call(), "before");
}

TEST(Delayed, BorrowsViews) {
  std::vector<double> data{1, 2, 3};
  auto call = delayed<total>(data);
  data[0] = 10;
  EXPECT_EQ(call(), 15);
  const std::string text = "four";
  EXPECT_EQ(delayed<length>(text)(), 4u);
  EXPECT_EQ(delayed<length>("literal")(), 7u);
}

TEST(Delayed, BorrowsThroughCrefAndRef) {
  const std::vector<double> data(3);
  EXPECT_EQ(delayed<address_of>(std::cref(data))(), data.data());
  EXPECT_NE(delayed<address_of>(data)(), data.data());
  std::vector<int> out;
  delayed<append>(std::ref(out), 7)();
  EXPECT_EQ(out, std::vector<int>{7});
}

TEST(Delayed, MovesArgumentsAndResultsThatCannotBeCopied) {
  EXPECT_EQ(delayed<consume>(std::make_unique<int>(4))(), 4);
  EXPECT_EQ(*delayed<produce>(5)(), 5);
  std::vector<double> large(3, 1.0);
  const double* place = large.data();
  EXPECT_EQ(delayed<address_of>(std::move(large))(), place);
}

TEST(Delayed, TakesMemberFunctions) {
  Account account{10};
  EXPECT_EQ(delayed<&Account::doubled>(account)(), 20);
  EXPECT_EQ(delayed<&Account::add>(std::ref(account), 5)(), 15);
  EXPECT_EQ(account.balance, 15);
}

TEST(Delayed, TakesNoexceptFunctionsAndPointersKnownAtRunTime) {
  EXPECT_EQ(delayed<always_three>()(), 3);
  double (*chosen)(double) = half;
  EXPECT_EQ(delayed(chosen, 8)(), 4);
}

TEST(Delayed, TellsTwoLambdasOnOneLineApart) {
  const auto results = std::pair(delayed<[] { return 1; }>()(), delayed<[] { return 2; }>()());
  EXPECT_EQ(results, std::pair(1, 2));
}

TEST(Delayed, TellsStaticFunctionsOfOneNameApart) {
  EXPECT_EQ(same_name_from_first_file()(), "first");
  EXPECT_EQ(same_name_from_second_file()(), "second");
}

TEST(Delayed, TakesClosures) {
  int factor = 3;
  EXPECT_EQ(delayed([factor](int x) { return factor * x; }, 4)(), 12);
}

TEST(Delayed, NamesFunctionAndArguments) {
  enum class Color { red = 4 };
  const auto text =
      delayed([](int, double, const std::string&, bool, Color, const std::vector<int>&) {}, 3, 1.5,
              "x", true, Color::red, std::vector<int>{1, 2, 3, 4, 5})
          .text();
  EXPECT_EQ(text.arguments, "3, 1.5, \"x\", true, 4, {1, 2, 3, … 5 in all}");
  EXPECT_NE(delayed<half>(1).text().function.find("half"), std::string::npos);
}

TEST(Delayed, SaysThatAnArgumentWasMovedAway) {
  auto call = delayed<consume>(std::make_unique<int>(1));
  EXPECT_NE(call.text().arguments.find("moved"), std::string::npos);
}

TEST(Delayed, RefusesNullCallables) {
  int (*null_function)(int) = nullptr;
  EXPECT_THROW((void)delayed(null_function, 1), std::invalid_argument);
  EXPECT_THROW((void)delayed(std::function<int()>()), std::invalid_argument);
}

TEST(Delayed, RefusesToCopyALargeContainerIntoEachTask) {
  const std::vector<double> exactly(131'072), over(131'073);  // 1 MiB, and eight bytes more
  EXPECT_EQ(delayed<size_of>(exactly)(), 131'072u);
  try {
    (void)delayed<size_of>(over);
    FAIL() << "copied";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("1048584 bytes"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("std::cref"), std::string::npos) << error.what();
  }
  EXPECT_EQ(delayed<size_of>(std::cref(over))(), 131'073u);
  EXPECT_EQ(delayed<size_of>(copy(over))(), 131'073u);
  const auto scope = parallel_config({.max_nbytes = unlimited_bytes});
  EXPECT_EQ(delayed<size_of>(over)(), 131'073u);
}

TEST(Task, MixesFunctionsOfOneResultType) {
  std::vector<Task<int>> tasks;
  tasks.emplace_back(delayed<always_three>());
  tasks.emplace_back(delayed([](int x) { return x; }, 4));
  tasks.emplace_back(delayed<consume>(std::make_unique<int>(5)));
  Parallel parallel({.n_jobs = 2});
  EXPECT_EQ(parallel(std::move(tasks)), (std::vector<int>{3, 4, 5}));
}

// Their copy constructors are declared, and do not compile.
using Owners = std::vector<std::unique_ptr<int>>;
struct Household {
  std::optional<Owners> owners;
};
std::size_t count(Owners owners) {
  return owners.size();
}
std::size_t count_in(Household household) {
  return household.owners->size();
}
std::size_t count_by_name(std::map<std::string, Owners> owners) {
  return owners.at("a").size();
}

TEST(Task, MayHoldContainersOfWhatCannotBeCopied) {
  std::map<std::string, Owners> by_name;
  by_name["a"] = Owners(5);
  std::vector<Task<std::size_t>> tasks;
  tasks.emplace_back(delayed<count>(Owners(3)));
  tasks.emplace_back(delayed<count_in>(Household{Owners(4)}));
  tasks.emplace_back(delayed<count_by_name>(std::move(by_name)));
  EXPECT_THROW((void)Task<std::size_t>(tasks[1]), std::invalid_argument);
  Parallel parallel({.n_jobs = 2});
  EXPECT_EQ(parallel(std::move(tasks)), (std::vector<std::size_t>{3, 4, 5}));
  static_assert(!std::is_copy_constructible_v<decltype(delayed<count>(Owners()))>);
  static_assert(std::is_copy_constructible_v<decltype(delayed<always_three>())>);
}

TEST(Task, SaysWhyItCannotBeCopied) {
  const Task<int> task = delayed<consume>(std::make_unique<int>(5));
  EXPECT_THROW((void)Task<int>(task), std::invalid_argument);
}

}  // namespace
}  // namespace paracord
