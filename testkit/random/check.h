#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "paracord/testkit/random/function.h"

namespace paracord::testkit::random {

/// Something is not as it should be. Thrown.
struct Wrong {
  std::string what;
};
void expect(bool holds, const std::string& otherwise);

const Function& function_of(const Plan& plan);
std::string text_of(const Failure& failure);
/// What an input that throws says.
inline constexpr const char* input_words = "the input ends badly";

/// Holds what a call of this plan gave against what the sequential backend gives, task by task.
/// Throws Wrong.
void hold_against(const std::vector<std::uint64_t>& expected, const Plan& plan,
                  const Setting& setting, const Observed& seen);

}  // namespace paracord::testkit::random
