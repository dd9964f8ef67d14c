#pragma once

#include <gtest/gtest.h>

#include <ostream>

#include "paracord/testkit/conformance.h"

namespace paracord::testkit {
/// How GoogleTest names a rule.
inline void PrintTo(const Rule& rule, std::ostream* out) {
  *out << rule.name;
}
}  // namespace paracord::testkit

/// One GoogleTest for each rule: PARACORD_BACKEND_CONFORMANCE(Mine, Subject{"mine", make_mine});
#define PARACORD_BACKEND_CONFORMANCE(Name, ...)                                            \
  class Name##Conformance : public ::testing::TestWithParam<::paracord::testkit::Rule> {}; \
  TEST_P(Name##Conformance, Holds) {                                                       \
    const ::paracord::testkit::Subject subject = __VA_ARGS__;                              \
    const auto finding = ::paracord::testkit::check_rule(subject, GetParam());             \
    EXPECT_EQ(finding.message, "") << "promise: " << GetParam().promise;                   \
  }                                                                                        \
  INSTANTIATE_TEST_SUITE_P(Rules, Name##Conformance,                                       \
                           ::testing::ValuesIn(::paracord::testkit::conformance_rules()),  \
                           [](const auto& tested) { return tested.param.name; })
