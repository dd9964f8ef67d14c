#pragma once

#include <string>

#include "paracord/testkit/random/plan.h"

namespace paracord::testkit::random {

/// Makes the calls of a plan and holds them against what the sequential backend gives. Empty where
/// all is right, else what is not.
std::string run(const Plan& plan, const Setting& setting);

}  // namespace paracord::testkit::random
