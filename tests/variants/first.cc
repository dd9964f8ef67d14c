#include <unistd.h>

#include "paracord/core/delayed.h"
#include "paracord/tests/variants/cases.h"

namespace paracord::variants {

// As in the other file: linkers may fold the two into one.
static Answer equal(int x) {
  return {x + 1, getpid()};
}

namespace {

Answer same_name(int x) {
  return {x + 1000, getpid()};
}

template <int factor>
Answer times(int x) {
  return {factor * x, getpid()};
}

}  // namespace

std::vector<Case> first_cases(int x) {
  return {{"equal", delayed<equal>(x), x + 1},
          {"same_name", delayed<same_name>(x), x + 1000},
          {"lambda",
           delayed(
               [](int y) {
                 return Answer{y - 7, getpid()};
               },
               x),
           x - 7},
          {"equal lambda",
           delayed(
               [](int y) {
                 return Answer{-y, getpid()};
               },
               x),
           -x},
          {"times<3>", delayed<times<3>>(x), 3 * x},
          {"times<5>", delayed<times<5>>(x), 5 * x}};
}

}  // namespace paracord::variants
