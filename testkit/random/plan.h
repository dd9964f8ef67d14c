#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "paracord/core/options.h"
#include "paracord/testkit/random/draw.h"
#include "paracord/testkit/random/orders.h"

namespace paracord::testkit::random {

struct Plan;

/// What a plan may ask of a backend.
struct Setting {
  std::vector<std::string> backends;             ///< one of them for each call
  std::vector<bool> share_memory;                ///< of each: tasks run in this process
  bool shared_memory = false;                    ///< of all: tasks must not end their process
  bool disturbed = false;                        ///< somebody kills nodes and workers meanwhile
  std::vector<std::string> nested;               ///< backends of calls inside tasks
  std::size_t max_bytes = std::size_t{4} << 20;  ///< of one argument or result
  std::size_t functions = 1;                     ///< in the pool

  bool shares_memory(const Plan& plan) const;
};

enum class Collect { list, outcomes, generator, generator_unordered };

/// One call, all that is random about it but the values: those come from the seed, too. All fields
/// are numbers, so that each can be named in a replay line and be made smaller.
struct Plan {
  using Number = std::int64_t;
  static constexpr Number repeats = 2;  // see cached
  std::uint64_t seed = 0;

  Number backend = 0, function = 0, n_jobs = 2, tasks = 1, collect = 0;
  Number argument_bytes = 0, result_bytes = 0;  ///< upper bounds; each task draws its own
  Number same_sizes = 0;                        ///< all tasks have just those
  Number cached = 0;  ///< 1: a cached function, whose arguments repeat; 2: they repeat only
  Number whole = 0, mapped = 0;  ///< writers: each gets all of the array; a mapped file
  Number deed = 0, deed_first = 0, deed_step = 1;
  Number sleep_us = 0, nested_backend = 0, nested_tasks = 2, nested_levels = 1;
  Number batch_size = 0, pre_dispatch = 0, max_pending = 0, retries = 0;  ///< 0: not set; −1: all
  Number max_nbytes = -1, timeout_ms = 0, stop_after_us = -1;
  Number verbose = 0, observer = 0, trace = 0, initializer = 0, priority = 0, idempotent = 0;
  Number sized = 1, fed = 0, input_throws_at = -1, input_stops_at = -1;
  Number read = -1, slow_us = 0;  ///< generators: results that are read; −1: all
  Number again = 0;               ///< calls on the same object afterwards
  Number callers = 1;             ///< threads that make such a call at once

  bool has_deed(std::uint32_t index) const {
    const auto at = static_cast<Number>(index);
    return deed != 0 && cached == 0 && at >= deed_first && (at - deed_first) % deed_step == 0;
  }
  /// Whether a task of this index ends with an error.
  bool task_fails(std::uint32_t index) const {
    return has_deed(index) && fails(static_cast<Deed>(deed), static_cast<int>(retries));
  }
  Orders orders(std::uint32_t index, const Setting& setting) const;
  /// The one whose first or second argument the task of this index has, too.
  std::uint32_t value_index(std::uint32_t index, bool first) const {
    if (cached == 0) return index;
    return first ? index % 5 : index / 5 % 3;
  }
  std::size_t bytes_of_argument(std::uint32_t index) const;
  std::size_t bytes_of_result(std::uint32_t index) const;
  /// Without what the test adds to it: observer, trace, temporary folders.
  ParallelOptions options(const Setting& setting) const;
  std::uint32_t task_count() const { return static_cast<std::uint32_t>(tasks); }
  Collect how() const { return static_cast<Collect>(collect); }
  /// May end before all tasks have run, without an error of a task.
  bool may_end_early() const { return timeout_ms != 0 || may_be_stopped(); }
  bool may_be_stopped() const { return stop_after_us >= 0 || input_stops_at >= 0; }
};

/// The plan of a seed.
Plan draw_plan(std::uint64_t seed, const Setting& setting);

/// "tasks=3,retries=0": fields of the plan that are to have another value. Throws
/// std::invalid_argument for an unknown name.
void change(Plan& plan, std::string_view changes);
/// What differs from the plan that the seed alone gives, in that form.
std::string changes_of(const Plan& plan, const Setting& setting);
/// All that is not at its default, for people.
std::string text_of(const Plan& plan);

/// Smaller plans to try in its place, the boldest first.
std::vector<Plan> smaller(const Plan& plan);

}  // namespace paracord::testkit::random
