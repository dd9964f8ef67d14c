#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/scheduler/view.h"

/// What the scheduler keeps of the past: what functions cost, and some of what has happened, for
/// people. All of it is bounded.
namespace paracord::cluster::scheduling {

struct FunctionRecord {
  std::string name;
  double cost = 0;  ///< nanoseconds of a task, as it was learned last; 0: not known
  std::uint64_t tasks = 0, failed = 0;
  double nanoseconds = 0;
};

class History {
 public:
  /// The record of this function, which stays. Many that are rare share one.
  FunctionRecord& function(const std::string& name);

  struct Ended {
    const FunctionRecord* function = nullptr;
    PeerId node = 0;
    std::uint32_t tasks = 0;
    Time at{};
    std::int64_t ran_nanoseconds = 0;
  };
  void ended(const Ended& batch);
  void failed(SchedulerView::Failure failure);
  void waited(Time time);

  const SchedulerView::QueueTimes& queue_times() const { return queue_times_; }
  /// Functions, what has ended and what has failed.
  void show(SchedulerView& view) const;

 private:
  std::unordered_map<std::string, FunctionRecord> functions_;
  std::vector<Ended> ended_;  // a ring
  std::size_t next_ended_ = 0;
  std::deque<SchedulerView::Failure> failures_;
  SchedulerView::QueueTimes queue_times_{};
};

}  // namespace paracord::cluster::scheduling
