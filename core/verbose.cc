// joblib's verbose lines.

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "paracord/core/number_text.h"
#include "paracord/core/probe.h"

namespace paracord::detail {

namespace {

// As joblib calls backends, by their class; others than ours go by their registered name.
std::string joblib_name(const std::string& backend) {
  if (backend == "threads") return "ThreadingBackend";
  if (backend == "sequential") return "SequentialBackend";
  if (backend == "processes") return "ProcessesBackend";
  if (backend == "zeromq") return "ZeromqBackend";
  return backend;
}

// joblib's filter for calls whose input is still being read: above level 10 no line is left out,
// below they grow sparser, the distance growing with the square root of the count.
bool left_out(std::size_t count, int verbose) {
  if (verbose > 10 || count == 0) return false;
  const double scale = 0.5 * (11 - verbose) * (11 - verbose);
  const auto step = [scale](std::size_t n) {
    return static_cast<long>(std::sqrt(static_cast<double>(n) / scale));
  };
  return step(count) == step(count + 1);
}

// As wide as the largest number, where that is known.
int width_of(std::optional<std::size_t> task_count) {
  if (!task_count || *task_count == 0) return 3;
  return static_cast<int>(std::to_string(*task_count).size());
}

// joblib 1.5's print_progress(). What it prints depends on how far it has read its input; that is
// taken as joblib reads it, a task for each that has ended, not as the blocks here are read.
class VerboseLines final : public Probe::Listener {
 public:
  VerboseLines(const ParallelOptions& options, int workers)
      : verbose_(*options.verbose),
        prefix_("[Parallel(n_jobs=" + std::to_string(options.n_jobs.value_or(workers)) + ")]: "),
        loops_(workers == 1),
        reads_all_(options.pre_dispatch && options.pre_dispatch->tasks == PreDispatch::all.tasks),
        ahead_(reads_all_ ? 0
                          : static_cast<std::size_t>(
                                options.pre_dispatch ? options.pre_dispatch->tasks : 2 * workers)) {
  }

  void call_started(const CallStarted& event) override {
    started_ = event.time;
    task_count_ = event.task_count;
    width_ = width_of(task_count_);
    print("Using backend " + joblib_name(event.backend) + " with " + std::to_string(event.workers) +
          " concurrent workers.");
  }

  void task_done(const TaskDone& event) override {
    const std::size_t done = event.done_count;
    const std::string elapsed = short_time(seconds_until(event.ended));
    // A plain loop reads to the last task; else the last line says that all is done.
    const std::optional<std::size_t> total = event.task_count ? event.task_count : task_count_;
    if (!loops_ && total && done == *total) return;
    if (loops_ || !total || !has_read_all(done, *total)) {
      const std::size_t begun = loops_ ? done : done - 1 + ahead_;
      if (left_out(total ? std::min(begun, *total) : begun, verbose_)) return;
      return print("Done " + number(done) +
                   (task_count_ ? " out of " + number(*task_count_) : " tasks     ") +
                   " | elapsed: " + elapsed);
    }
    const std::size_t frequency = *total / static_cast<std::size_t>(verbose_) + 1;
    const auto behind =
        static_cast<std::ptrdiff_t>(*total - done + 1) - static_cast<std::ptrdiff_t>(ahead_);
    if (done + 1 == *total || behind % static_cast<std::ptrdiff_t>(frequency) != 0) return;
    const double each = seconds_until(event.ended) / static_cast<double>(done);
    print("Done " + number(done) + " out of " + number(*total) + " | elapsed: " + elapsed +
          " remaining: " + short_time(each * static_cast<double>(*total - done)));
  }

  void call_stopped() override { stopped_ = true; }

  void call_finished(const CallFinished& event) override {
    if (stopped_) return;
    print("Done " + number(event.done_count) + " out of " + number(event.done_count) +
          " | elapsed: " + short_time(seconds_until(event.time)) + " finished");
  }

 private:
  bool has_read_all(std::size_t done, std::size_t total) const {
    return reads_all_ || (done >= 2 && done - 1 + ahead_ > total);
  }
  std::string number(std::size_t value) const {
    char text[32];
    std::snprintf(text, sizeof text, "%*zu", width_, value);
    return text;
  }
  double seconds_until(Time time) const {
    return std::chrono::duration<double>(time - started_).count();
  }
  // One write for a line, so that lines of several calls do not mix.
  void print(const std::string& text) const { std::fputs((prefix_ + text + "\n").c_str(), stderr); }

  const int verbose_;
  const std::string prefix_;
  const bool loops_, reads_all_;
  const std::size_t ahead_;  // tasks that joblib's call reads before the first one ends
  Time started_{};
  std::optional<std::size_t> task_count_;
  int width_ = 3;
  bool stopped_ = false;
};

}  // namespace

void print_replaced_backend(const std::string& by, const std::string& backend) {
  const std::string text = "Using " + joblib_name(by) + " as joblib backend instead of " +
                           joblib_name(backend) +
                           " as the latter does not provide shared memory semantics.\n";
  std::fputs(text.c_str(), stderr);
}

std::string short_time(double seconds) {
  if (seconds > 60) return fixed_text(seconds / 60, 1, 4) + "min";
  return " " + fixed_text(seconds, 1, 5) + "s";
}

std::unique_ptr<Probe::Listener> make_verbose_lines(const ParallelOptions& options, int workers) {
  return std::make_unique<VerboseLines>(options, workers);
}

}  // namespace paracord::detail
