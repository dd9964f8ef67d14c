#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/testkit/simulated_world.h"

namespace paracord::testkit {

using TaskNumber = std::uint32_t;

/// A task of a simulated program, and all that ever happened to it.
struct SimTask {
  PeerId client = 0;
  Time duration{};
  int nested_tasks = 0;        ///< that it waits for, in a call of its own
  int depth = 0, deepest = 2;  ///< of the calls that it is in, and that may be made below it
  bool is_wanted = true;
  std::uint32_t runs = 0, deliveries = 0;
  // The last run that ended, whose result has not been let go of.
  bool is_finished = false;
  PeerId holder = 0;
  cluster::Attempt attempt{};
  Time assigned{};
};

/// Watches the rules that hold for each task:
/// - its client gets one result, and no more;
/// - its result is let go of only when its client has it, or does not want it;
/// - once it is finished, it is not run again, as long as its holder lives and is in touch.
class SimBook {
 public:
  explicit SimBook(SimWorld& world) : world_(world) {}

  TaskNumber add(SimTask task);
  SimTask& task(TaskNumber number) { return tasks_[number]; }
  std::size_t size() const { return tasks_.size(); }

  void begins(TaskNumber number, PeerId node, const cluster::Attempt& attempt, Time assigned);
  void ends(TaskNumber number, PeerId node, const cluster::Attempt& attempt, Time assigned);
  void delivered(TaskNumber number);
  /// The client could not fetch the result.
  void dropped(TaskNumber number);
  void released(TaskNumber number, PeerId node, const cluster::Attempt& attempt);
  void unwanted(TaskNumber number) { tasks_[number].is_wanted = false; }

  /// Whether the task may run again, for reasons outside of the rules: its holder was out of touch.
  std::function<bool(const SimTask&)> is_excused;
  /// Whether the scheduler may have given up this assignment, which goes on.
  std::function<bool(PeerId, const cluster::Attempt&, Time assigned)> is_stale;
  std::uint64_t runs = 0, deliveries = 0, reruns = 0;

 private:
  std::string describe(TaskNumber number) const;

  SimWorld& world_;
  std::deque<SimTask> tasks_;
};

/// Task numbers as a batch's payload, and as that of results, with the attempt that made them.
cluster::Bytes encode_tasks(const std::vector<TaskNumber>& tasks,
                            const cluster::Attempt& attempt = {}, std::size_t padding = 0);
std::vector<TaskNumber> decode_tasks(const cluster::Bytes& payload,
                                     cluster::Attempt* attempt = nullptr);
std::string to_string(const cluster::Attempt& attempt);

}  // namespace paracord::testkit
