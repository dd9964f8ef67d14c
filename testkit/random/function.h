#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "paracord/testkit/random/plan.h"

namespace paracord {
class Parallel;
}

namespace paracord::testkit::random {

/// An error, as whoever catches it sees it.
struct Failure {
  std::string type, what;
  std::optional<std::uint32_t> task;  ///< that its TaskError names
};

/// How one task ended: its result as a number, or an error.
struct Ending {
  std::uint64_t digest = 0;
  std::optional<Failure> failure;
};

/// What a call gave: for each result that was collected, in the order in which they came, and what
/// it threw at last.
struct Observed {
  std::vector<Ending> endings;
  std::optional<Failure> thrown;
};

/// The exception that is being handled.
Failure current_failure();

/// What makes the input of a call misbehave: called before each task is made, with its index; may
/// wait, and throw.
using BeforeTask = std::function<void(std::uint32_t index)>;

/// A function of the pool: two arguments and a result of three of its types.
///
/// Threads: any.
class Function {
 public:
  virtual ~Function() = default;
  virtual std::string text() const = 0;
  /// Its arguments can be copied, so that attempts can be repeated.
  virtual bool is_copyable() const = 0;
  /// It can be a cached function, too.
  virtual bool can_remember() const { return false; }
  /// Its tasks reach other processes; else a call there is refused, unless it is right.
  virtual bool travels() const { return true; }

  /// Makes the call of the plan on this object. Tasks have arguments, and results, as the plan's
  /// seed and their index say, and do what their orders are.
  virtual Observed call(Parallel& parallel, const Plan& plan, const Setting& setting,
                        const BeforeTask& before) const = 0;
};

/// All functions of the pool; made by pool.py.
const std::vector<std::unique_ptr<Function>>& pool();
/// The seed and the types of the pool, for people.
std::string pool_text();

using Functions = std::vector<std::unique_ptr<Function>>;

}  // namespace paracord::testkit::random
