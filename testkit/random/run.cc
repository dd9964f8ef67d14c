#include "paracord/testkit/random/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <stop_token>
#include <thread>
#include <typeinfo>

#include "paracord/core/describe_error.h"
#include "paracord/core/errors.h"
#include "paracord/core/observer.h"
#include "paracord/core/parallel.h"
#include "paracord/core/print_argument.h"
#include "paracord/testkit/random/check.h"
#include "paracord/testkit/random/temporary.h"

namespace paracord::testkit::random {

namespace {

/// Counts what it is told; says nothing.
struct Listener final : Observer {
  void batch_sent(const BatchSent& batch) override { sent += batch.size; }
  void task_done(const TaskDone&) override { ++done; }
  bool worker_output(const WorkerOutput& output) override {
    if (output.text.find("make no sense") != std::string::npos) ++refusals;
    return true;
  }
  std::atomic<std::size_t> sent{0}, done{0}, refusals{0};
};

std::uint32_t feed(std::uint32_t number) {
  return number;
}

/// The input of a call: fed by another call where the plan says so; throws, or has the call
/// stopped, where it says so.
class Feeder {
 public:
  Feeder(const Plan& plan, const Setting& setting, std::stop_source* stop)
      : plan_(plan), stop_(stop) {
    if (plan.fed == 0) return;
    ParallelOptions options;
    options.n_jobs = static_cast<int>(plan.n_jobs);
    options.backend = setting.backends[static_cast<std::size_t>(plan.backend)];
    Parallel parallel(options);
    numbers_.emplace(parallel.generator(
        std::views::iota(0u, plan.task_count()) |
        std::views::transform([](std::uint32_t i) { return delayed<feed>(i); })));
  }
  void operator()(std::uint32_t index) {
    if (plan_.input_throws_at == static_cast<Plan::Number>(index))
      throw std::runtime_error(input_words);
    if (stop_ != nullptr && plan_.input_stops_at == static_cast<Plan::Number>(index))
      stop_->request_stop();
    if (!numbers_) return;
    if (!at_) {
      at_.emplace(numbers_->begin());
    } else {
      ++*at_;
    }
    if (*at_ == numbers_->end() || **at_ != index)
      throw std::logic_error("the call that feeds another one gave a wrong number");
  }

 private:
  const Plan& plan_;
  std::stop_source* stop_;
  std::optional<Generator<std::uint32_t>> numbers_;
  std::optional<Generator<std::uint32_t>::iterator> at_;
};

Observed make_call(Parallel& parallel, const Plan& plan, const Setting& setting,
                   std::stop_source* stop = nullptr) {
  Feeder feeder(plan, setting, stop);
  return function_of(plan).call(parallel, plan, setting,
                                [&](std::uint32_t index) { feeder(index); });
}

std::vector<std::uint64_t> by_the_sequential_backend(Plan plan, const Setting& setting) {
  plan.deed = 0;
  if (plan.cached != 0) plan.cached = Plan::repeats;
  plan.collect = static_cast<Plan::Number>(Collect::list);
  plan.fed = 0;
  plan.input_throws_at = -1;
  ParallelOptions options;
  options.backend = "sequential";
  Parallel parallel(options);
  const Observed seen = make_call(parallel, plan, setting);
  if (seen.thrown) throw Wrong{"the sequential backend failed, too: " + text_of(*seen.thrown)};
  std::vector<std::uint64_t> digests;
  for (const Ending& ending : seen.endings) digests.push_back(ending.digest);
  return digests;
}

// The same object does what it should after whatever has happened to it.
void expect_usable(Parallel& parallel, Plan plan, const Setting& setting) {
  plan.deed = 0;
  plan.fed = 0;
  plan.tasks = std::min<Plan::Number>(plan.tasks, 7);
  plan.input_throws_at = plan.read = -1;
  plan.slow_us = 0;
  plan.collect = (plan.collect + 1) % 4;
  if (plan.may_end_early()) plan.collect = static_cast<Plan::Number>(Collect::list);
  const auto expected = by_the_sequential_backend(plan, setting);
  hold_against(expected, plan, setting, make_call(parallel, plan, setting));
}

/// Asks a call to stop after a while.
class Stopper {
 public:
  explicit Stopper(const Plan& plan) {
    if (plan.stop_after_us < 0) return;
    thread_ = std::thread([this, after = std::chrono::microseconds(plan.stop_after_us)] {
      std::this_thread::sleep_for(after);
      source_.request_stop();
    });
  }
  ~Stopper() {
    if (thread_.joinable()) thread_.join();
  }
  std::stop_source& source() { return source_; }

 private:
  std::stop_source source_;
  std::thread thread_;
};

void check_once(Plan plan, const Setting& setting) {
  const Function& function = function_of(plan);
  if (!function.is_copyable()) plan.retries = 0;
  if (!function.can_remember()) plan.cached = 0;
  const auto expected = by_the_sequential_backend(plan, setting);
  ParallelOptions options = plan.options(setting);
  const auto listener = std::make_shared<Listener>();
  // Whatever tasks print goes there.
  const bool observed = plan.observer != 0 || static_cast<Deed>(plan.deed) == Deed::prints;
  if (observed) options.observer = listener;
  const TemporaryFolder folder(plan.trace != 0);
  const std::string trace = folder.path() + "/trace.json";
  if (plan.trace != 0) options.trace = trace;
  if (plan.initializer != 0) options.initializer = Initializer([] {});
  Stopper stopper(plan);
  if (plan.may_be_stopped()) options.stop_token = stopper.source().get_token();
  Parallel parallel(options);
  const Observed seen = make_call(parallel, plan, setting, &stopper.source());
  hold_against(expected, plan, setting, seen);
  const bool whole = !seen.thrown && plan.read < 0;
  if (observed && whole)
    expect(listener->done == expected.size(), "the observer was told of " +
                                                  std::to_string(listener->done) + " tasks of " +
                                                  std::to_string(expected.size()));
  // The call may be right all the same, by another attempt.
  expect(listener->refusals == 0, "a worker refused what its caller had sent");
  if (plan.trace != 0) check_trace(trace);
  for (Plan::Number i = 0; i != plan.again; ++i) expect_usable(parallel, plan, setting);
}

std::string check(const Plan& plan, const Setting& setting) {
  try {
    check_once(plan, setting);
    return {};
  } catch (const Wrong& wrong) {
    return wrong.what;
  } catch (...) {
    return "an unexpected exception: " + text_of(current_failure());
  }
}

}  // namespace

Failure current_failure() {
  try {
    throw;
  } catch (const std::exception& error) {
    Failure failure{::paracord::detail::readable_type(typeid(error)), error.what(), {}};
    if (const auto task = task_error(error))
      failure.task = static_cast<std::uint32_t>(task->failure().index);
    return failure;
  } catch (...) {
    return {"something that is no std::exception", "", {}};
  }
}

std::string run(const Plan& plan, const Setting& setting) {
  std::vector<std::string> wrong(static_cast<std::size_t>(std::max<Plan::Number>(plan.callers, 1)));
  std::vector<std::thread> others;
  for (std::size_t caller = 1; caller != wrong.size(); ++caller) {
    others.emplace_back([&, caller] {
      Plan other = plan;
      other.collect = (plan.collect + static_cast<Plan::Number>(caller)) % 4;
      wrong[caller] = check(other, setting);
    });
  }
  wrong[0] = check(plan, setting);
  for (std::thread& other : others) other.join();
  for (const std::string& each : wrong) {
    if (!each.empty()) return each;
  }
  return {};
}

}  // namespace paracord::testkit::random
