#include "paracord/scheduler/history.h"

#include <algorithm>

#include "paracord/scheduler/limits.h"

namespace paracord::cluster::scheduling {

namespace {

constexpr std::size_t most_ended = 1024;
constexpr std::size_t most_failures = 50;
constexpr std::size_t most_functions_shown = 50;
const std::string others = "(others)";

}  // namespace

FunctionRecord& History::function(const std::string& name) {
  const auto found = functions_.find(name);
  if (found != functions_.end()) return found->second;
  const std::string& known = functions_.size() >= most_known_functions ? others : name;
  FunctionRecord& record = functions_[known];
  record.name = known;
  return record;
}

void History::ended(const Ended& batch) {
  if (ended_.size() < most_ended) {
    ended_.push_back(batch);
  } else {
    ended_[next_ended_] = batch;
  }
  next_ended_ = (next_ended_ + 1) % most_ended;
}

void History::failed(SchedulerView::Failure failure) {
  failures_.push_back(std::move(failure));
  if (failures_.size() > most_failures) failures_.pop_front();
}

void History::waited(Time time) {
  const double seconds = std::chrono::duration<double>(time).count();
  std::size_t bucket = 0;
  while (bucket != queue_times_.bounds.size() && seconds > queue_times_.bounds[bucket]) ++bucket;
  ++queue_times_.counts[bucket];
  queue_times_.seconds += seconds;
}

void History::show(SchedulerView& view) const {
  for (const auto& [name, record] : functions_) {
    if (record.tasks != 0 || record.failed != 0)
      view.functions.push_back({name, record.tasks, record.failed, record.nanoseconds / 1e9});
  }
  std::sort(view.functions.begin(), view.functions.end(),
            [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  if (view.functions.size() > most_functions_shown) view.functions.resize(most_functions_shown);
  const std::size_t first = ended_.size() < most_ended ? 0 : next_ended_;
  for (std::size_t i = 0; i != ended_.size(); ++i) {
    const Ended& batch = ended_[(first + i) % ended_.size()];
    view.ended.push_back({batch.node, batch.function->name, batch.tasks, batch.at,
                          static_cast<double>(batch.ran_nanoseconds) / 1e9});
  }
  view.failures.assign(failures_.begin(), failures_.end());
}

}  // namespace paracord::cluster::scheduling
