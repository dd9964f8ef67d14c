#include "paracord/core/print_argument.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace paracord::detail {
namespace {

template <class T>
std::string printed(const T& value) {
  std::string out;
  print_argument(out, value);
  return out;
}

struct Opaque {};

TEST(PrintArgument, PrintsNumbersAndText) {
  EXPECT_EQ(printed(3), "3");
  EXPECT_EQ(printed(-3L), "-3");
  EXPECT_EQ(printed(3u), "3");
  EXPECT_EQ(printed(0.25f), "0.25");
  EXPECT_EQ(printed(false), "false");
  EXPECT_EQ(printed(std::string("a b")), "\"a b\"");
  EXPECT_EQ(printed(std::string("a\0b\n\x7f\xc3\xa4", 7)), "\"a\\x00b\\x0a\\x7f\xc3\xa4\"");
}

TEST(PrintArgument, ShortensWhatIsLong) {
  EXPECT_EQ(printed(std::vector<int>{1, 2}), "{1, 2}");
  EXPECT_EQ(printed(std::vector<int>(1000, 7)), "{7, 7, 7, … 1000 in all}");
  EXPECT_LT(printed(std::string(10'000, 'x')).size(), 80u);
}

TEST(PrintArgument, LooksThroughReferences) {
  const int value = 5;
  EXPECT_EQ(printed(std::cref(value)), "5");
}

TEST(PrintArgument, NamesTheTypeOfWhatItCannotPrint) {
  EXPECT_NE(printed(Opaque{}).find("Opaque"), std::string::npos);
  EXPECT_NE(printed(std::optional<int>(3)).find("optional"), std::string::npos);
}

[[maybe_unused]] int some_function(int x) {
  return x;
}

TEST(Names, AreThoseOfTheSource) {
  EXPECT_NE(value_name<some_function>().find("some_function"), std::string::npos);
  EXPECT_EQ(type_name<int>(), "int");
}

}  // namespace
}  // namespace paracord::detail
