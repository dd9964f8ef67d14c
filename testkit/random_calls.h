#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "paracord/testkit/conformance.h"

/// Random calls: the proof that a backend is right off the tested road. From a seed a call is
/// drawn: argument and result types out of a pool of more than 80, sizes around every threshold of
/// the library, all ways to collect, to abandon and to be slow, all options, several calls at once,
/// objects used again, nested calls, tasks that throw, die, print, sleep, spawn. What comes is held
/// against what the sequential backend gives.
///
/// Example (a test's main, without a test framework):
///   int main(int argc, char** argv) {
///     paracord::initialize(argc, argv);
///     return paracord::testkit::random_calls_main(
///         argc, argv, {{"mine", [] { return std::make_unique<Mine>(); }}});
///   }
namespace paracord::testkit {

struct RandomCallsOptions {
  std::optional<std::uint64_t> seed{};  ///< of the first call; the next ones follow. Default: fresh
  std::uint64_t count = 100;
  std::optional<std::chrono::seconds> time{};  ///< no call begins after it
  std::string changes{};   ///< to each plan, as a replay line has them: "tasks=3,retries=0"
  bool disturbed = false;  ///< somebody kills workers and nodes meanwhile: the calls must hold it
  std::chrono::seconds patience{60};                 ///< a call that takes longer hangs
  std::uint64_t max_bytes = std::uint64_t{4} << 20;  ///< of one argument or result
};

/// A seed whose call went wrong.
struct RandomFinding {
  std::uint64_t seed = 0;
  std::string what;
  std::string plan;    ///< after it was made as small as it could be
  std::string replay;  ///< arguments for random_calls_main()
};

struct RandomReport {
  std::uint64_t calls = 0;
  std::vector<RandomFinding> findings;
  bool passed() const { return findings.empty(); }
  std::string text() const;  ///< a few lines for each finding
};

/// Makes random calls in this process. A wrong result is made smaller and reported; a call that
/// hangs ends the process with SIGABRT, after a line on stderr that replays it, as does one that
/// crashes: for those random_calls_main() goes on.
RandomReport check_random_calls(const Subject& subject, const RandomCallsOptions& options = {});

/// A program that makes random calls in a child process, watches over it, and makes what it finds
/// smaller: also crashes and hangs. `--help` says how. The built-in backends are known to it by
/// their names, `mixed` takes one of all for each call. Returns the exit code: 0 without a finding.
int random_calls_main(int argc, char** argv, const std::vector<Subject>& subjects = {});

}  // namespace paracord::testkit
