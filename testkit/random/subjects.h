#pragma once

#include <string>
#include <vector>

#include "paracord/testkit/conformance.h"
#include "paracord/testkit/random/plan.h"
#include "paracord/testkit/random_calls.h"

namespace paracord::testkit::random {

/// What plans for this backend may do: one of `subjects`, a registered one, or `mixed`. Throws
/// std::invalid_argument for an unknown name.
Setting setting_of(const std::string& backend, const std::vector<Subject>& subjects,
                   const RandomCallsOptions& options);

/// The plan of this seed, with the changes of the options.
Plan plan_of(std::uint64_t seed, const Setting& setting, const RandomCallsOptions& options);

/// Arguments that make the call of this plan again.
std::string replay_line(const std::string& backend, const Plan& plan, const Setting& setting,
                        const RandomCallsOptions& options);

}  // namespace paracord::testkit::random
