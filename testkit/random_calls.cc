#include "paracord/testkit/random_calls.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <random>
#include <thread>

#include "paracord/testkit/random/run.h"
#include "paracord/testkit/random/subjects.h"

namespace paracord::testkit {

namespace {

using random::Plan;
using random::Setting;
using Clock = std::chrono::steady_clock;

// What is written where the call that runs crashes.
std::array<char, 512> last_words{};

void say_last_words(int signal) {
  (void)!write(STDERR_FILENO, last_words.data(), std::strlen(last_words.data()));
  raise(signal);  // SA_RESETHAND: now by default
}

/// While one lives, a crash or a hang of the call that runs does not go without its replay line.
class Watch {
 public:
  explicit Watch(std::chrono::seconds patience) : patience_(patience) {
    struct sigaction action {};
    action.sa_handler = &say_last_words;
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_NODEFER);
    for (std::size_t i = 0; i != signals.size(); ++i) sigaction(signals[i], &action, &before_[i]);
    watcher_ = std::thread([this] { watch(); });
  }
  Watch(const Watch&) = delete;
  ~Watch() {
    {
      const std::lock_guard<std::mutex> hold(mutex_);
      over_ = true;
    }
    changed_.notify_all();
    watcher_.join();
    for (std::size_t i = 0; i != signals.size(); ++i) sigaction(signals[i], &before_[i], nullptr);
  }
  void begins(const std::string& replay) {
    const std::string words = "\nrandom calls: crashed or hung; replay with " + replay + "\n";
    std::strncpy(last_words.data(), words.c_str(), last_words.size() - 1);
    const std::lock_guard<std::mutex> hold(mutex_);
    deadline_ = Clock::now() + patience_;
  }

 private:
  static constexpr std::array signals{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
  void watch() {
    std::unique_lock<std::mutex> hold(mutex_);
    while (!over_) {
      changed_.wait_until(hold, deadline_);
      if (!over_ && Clock::now() >= deadline_) std::abort();
    }
  }
  const std::chrono::seconds patience_;
  std::array<struct sigaction, signals.size()> before_{};
  std::mutex mutex_;
  std::condition_variable changed_;
  Clock::time_point deadline_ = Clock::time_point::max();
  bool over_ = false;
  std::thread watcher_;
};

constexpr int tries_of_each = 3;  // a call that goes wrong now and then
constexpr int max_smaller_plans = 60;

bool goes_wrong(const Plan& plan, const Setting& setting, std::string& what) {
  for (int i = 0; i != tries_of_each; ++i) {
    const std::string wrong = random::run(plan, setting);
    if (wrong.empty()) continue;
    what = wrong;
    return true;
  }
  return false;
}

Plan made_smaller(Plan plan, const Setting& setting, std::string& what) {
  int tried = 0;
  for (bool found = true; found;) {
    found = false;
    for (const Plan& next : random::smaller(plan)) {
      if (++tried > max_smaller_plans) return plan;
      if (!goes_wrong(next, setting, what)) continue;
      plan = next;
      found = true;
      break;
    }
  }
  return plan;
}

}  // namespace

std::string RandomReport::text() const {
  std::string text =
      std::to_string(calls) + " random calls, " + std::to_string(findings.size()) + " went wrong\n";
  for (const RandomFinding& finding : findings) {
    text += "seed " + std::to_string(finding.seed) + ": " + finding.what +
            "\n  plan: " + finding.plan + "\n  replay with: " + finding.replay + "\n";
  }
  return text;
}

RandomReport check_random_calls(const Subject& subject, const RandomCallsOptions& options) {
  const Setting setting = random::setting_of(
      subject.name, subject.factory ? std::vector{subject} : std::vector<Subject>{}, options);
  const auto end = options.time ? Clock::now() + *options.time : Clock::time_point::max();
  std::uint64_t seed = options.seed ? *options.seed : std::random_device()();
  RandomReport report;
  Watch watch(options.patience);
  for (; report.calls != options.count && Clock::now() < end; ++report.calls, ++seed) {
    Plan plan = random::plan_of(seed, setting, options);
    watch.begins(random::replay_line(subject.name, plan, setting, options));
    RandomFinding finding{seed, random::run(plan, setting), {}, {}};
    if (finding.what.empty()) continue;
    std::string smaller_words;
    plan = made_smaller(plan, setting, smaller_words);
    if (!smaller_words.empty()) finding.what = smaller_words;
    finding.plan = random::text_of(plan);
    finding.replay = random::replay_line(subject.name, plan, setting, options);
    report.findings.push_back(std::move(finding));
  }
  return report;
}

}  // namespace paracord::testkit
