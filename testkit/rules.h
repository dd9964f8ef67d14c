#pragma once

#include <string>
#include <vector>

#include "paracord/testkit/conformance.h"

namespace paracord::testkit {

std::vector<Rule> contract_rules();
std::vector<Rule> call_rules();
std::vector<Rule> resource_rules();

/// Throws Broken unless `holds`.
inline void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw Broken{otherwise};
}

/// The subject's backend, ready for a call.
struct Started {
  std::unique_ptr<ParallelBackendBase> backend;
  ParallelOptions options;
  int workers = 0;
};
Started start(const Subject& subject);

}  // namespace paracord::testkit
