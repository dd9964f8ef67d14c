// joblib's verbose lines.

#include <cmath>
#include <cstdio>

#include "paracord/core/probe.h"

namespace paracord::detail {

namespace {

// What joblib calls the backends; others go by their registered name.
std::string joblib_name(const std::string& backend) {
  if (backend == "threads") return "ThreadingBackend";
  if (backend == "sequential") return "SequentialBackend";
  return backend;
}

// Whether the line for the count-th task is left out: above level 10 none is, below they grow
// sparser, the distance growing with the square root of the count.
bool left_out(std::size_t count, int verbose) {
  if (verbose > 10 || count == 0) return false;
  const double scale = 0.5 * (11 - verbose) * (11 - verbose);
  const auto step = [scale](std::size_t n) {
    return static_cast<long>(std::sqrt(static_cast<double>(n) / scale));
  };
  return step(count) == step(count + 1);
}

class VerboseLines final : public Probe::Listener {
 public:
  VerboseLines(int verbose, int workers)
      : verbose_(verbose), prefix_("[Parallel(n_jobs=" + std::to_string(workers) + ")]: ") {}

  void call_started(const CallStarted& event) override {
    started_ = event.time;
    task_count_ = event.task_count;
    print("Using backend " + joblib_name(event.backend) + " with " + std::to_string(event.workers) +
          " concurrent workers.");
  }

  void task_done(const TaskDone& event) override {
    if (event.task_count) task_count_ = event.task_count;
    const std::size_t done = event.done_count;
    if (task_count_ && done == *task_count_) return;  // the last line says it
    const double elapsed = seconds_until(event.ended);
    char line[160];
    if (!task_count_) {
      if (left_out(done - 1, verbose_)) return;
      std::snprintf(line, sizeof line, "Done %3zu tasks      | elapsed: %s", done,
                    short_time(elapsed).c_str());
    } else {
      const std::size_t total = *task_count_;
      const std::size_t frequency = total / static_cast<std::size_t>(verbose_) + 1;
      if ((total - done + 1) % frequency != 0 && done + 1 != total) return;
      const double remaining =
          elapsed / static_cast<double>(done) * static_cast<double>(total - done);
      std::snprintf(line, sizeof line, "Done %3zu out of %3zu | elapsed: %s remaining: %s", done,
                    total, short_time(elapsed).c_str(), short_time(remaining).c_str());
    }
    print(line);
  }

  void call_finished(const CallFinished& event) override {
    const std::size_t total = event.done_count + event.cancelled_count;
    char line[160];
    std::snprintf(line, sizeof line, "Done %3zu out of %3zu | elapsed: %s %s", event.done_count,
                  total, short_time(seconds_until(event.time)).c_str(),
                  event.cancelled_count == 0 ? "finished" : "stopped");
    print(line);
  }

 private:
  double seconds_until(Time time) const {
    return std::chrono::duration<double>(time - started_).count();
  }
  // One write for a line, so that lines of several calls do not mix.
  void print(const std::string& text) const { std::fputs((prefix_ + text + "\n").c_str(), stderr); }

  const int verbose_;
  const std::string prefix_;
  Time started_{};
  std::optional<std::size_t> task_count_;
};

}  // namespace

std::string short_time(double seconds) {
  char text[32];
  if (seconds > 60) {
    std::snprintf(text, sizeof text, "%4.1fmin", seconds / 60);
  } else {
    std::snprintf(text, sizeof text, " %5.1fs", seconds);
  }
  return text;
}

std::unique_ptr<Probe::Listener> make_verbose_lines(int verbose, int workers) {
  return std::make_unique<VerboseLines>(verbose, workers);
}

}  // namespace paracord::detail
