#pragma once

#include <memory>
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

/// The subject's backend, ready for a call. Stopped and destroyed at the end, also when a rule is
/// broken.
struct Started {
  Started() = default;
  Started(Started&&) = default;
  ~Started() { stop(); }
  void stop();

  std::unique_ptr<ParallelBackendBase> backend;
  std::unique_ptr<ParallelOptions> options = std::make_unique<ParallelOptions>();
  int workers = 0;
};
Started start(const Subject& subject);

}  // namespace paracord::testkit
