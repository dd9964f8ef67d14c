#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "paracord/core/registry.h"

/// The specification of a backend, as checks that any backend can be put through.
///
/// Example (a test's main, without a test framework):
///   auto report = paracord::testkit::check_conformance({"mine", [] { return
///   std::make_unique<Mine>(); }}); std::cout << report.text(); return report.passed() ? 0 : 1;
namespace paracord::testkit {

/// The backend under test.
struct Subject {
  std::string name;  ///< it is registered under this name for the checks that make whole calls
  BackendFactory factory;             ///< makes one
  int n_jobs = 2;                     ///< for the calls
  std::chrono::seconds patience{30};  ///< for one completion that is waited for
};

/// One thing that every backend promises. `check` throws Broken with what went wrong.
struct Rule {
  std::string name;
  std::string promise;
  std::function<void(const Subject&)> check;
};

struct Broken {
  std::string message;
};

/// All rules: of the contract (core/backend.h) first, then of whole calls.
const std::vector<Rule>& conformance_rules();

/// What became of one rule; an empty message means that it holds.
struct Finding {
  std::string rule;
  std::string message;
};

/// Checks one rule. A check that does not end within two minutes counts as broken; its thread is
/// left behind, so end the program soon after.
Finding check_rule(const Subject& subject, const Rule& rule);

struct Report {
  std::vector<Finding> findings;  ///< one for each rule
  bool passed() const;
  std::string text() const;  ///< a line for each rule
};

Report check_conformance(const Subject& subject);

}  // namespace paracord::testkit
