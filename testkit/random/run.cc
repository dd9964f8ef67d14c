#include "paracord/testkit/random/run.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <map>
#include <mutex>
#include <stop_token>
#include <thread>
#include <typeinfo>

#include "paracord/core/describe_error.h"
#include "paracord/core/errors.h"
#include "paracord/core/observer.h"
#include "paracord/core/parallel.h"
#include "paracord/core/print_argument.h"
#include "paracord/testkit/random/function.h"
#include "paracord/testkit/random/temporary.h"

namespace paracord::testkit::random {

namespace {

struct Wrong {
  std::string what;
};

void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw Wrong{otherwise};
}

std::string text_of(const Failure& failure) {
  return failure.type + " \"" + failure.what.substr(0, 300) + "\"";
}

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

bool has_words(const Failure& failure, const std::string& words) {
  return failure.what.find(words) != std::string::npos;
}

/// Whether this is how the task of these orders should fail.
bool is_failure_of(const Failure& failure, const Orders& orders) {
  switch (orders.deed) {
    case Deed::throws_number:
      return failure.what.empty() || failure.task == orders.index;
    case Deed::dies:
    case Deed::dies_at_first:
    case Deed::exits:
      return failure.type.find("WorkerLostError") != std::string::npos;
    case Deed::throws_standard:
      return failure.type.find("out_of_range") != std::string::npos &&
             failure.task == orders.index && has_words(failure, words_of_failure(orders));
    case Deed::throws_registered:
      return failure.type.find("RegisteredError") != std::string::npos &&
             failure.task == orders.index && has_words(failure, words_of_failure(orders));
    default:
      return has_words(failure, words_of_failure(orders));
  }
}

constexpr const char* input_words = "the input ends badly";

bool is_refusal(const Failure& failure) {
  return failure.type.find("SerializationError") != std::string::npos;
}

const Function& function_of(const Plan& plan) {
  return *pool()[static_cast<std::size_t>(plan.function)];
}

/// One call of a plan, and what is to be held against it.
class Check {
 public:
  Check(const Plan& plan, const Setting& setting, const std::vector<std::uint64_t>& expected)
      : plan_(plan),
        setting_(setting),
        expected_(expected),
        may_be_refused_(!function_of(plan).travels() && !setting.shares_memory(plan)) {}

  void of(const Observed& seen) const {
    switch (plan_.how()) {
      case Collect::list:
        return of_list(seen);
      case Collect::outcomes:
        return of_outcomes(seen);
      case Collect::generator:
        of_generator(seen);
        break;
      case Collect::generator_unordered:
        of_unordered(seen);
        break;
    }
    of_end(seen);
  }

 private:
  bool input_throws() const {
    return plan_.input_throws_at >= 0 && plan_.input_throws_at < plan_.tasks;
  }
  bool some_task_fails() const {
    for (std::uint32_t i = 0; i != plan_.task_count(); ++i) {
      if (plan_.task_fails(i)) return true;
    }
    return false;
  }

  void of_error(const Failure& thrown) const {
    if (plan_.timeout_ms != 0 && thrown.type.find("TimeoutError") != std::string::npos) return;
    if (plan_.may_be_stopped() && thrown.type.find("CancelledError") != std::string::npos) return;
    if (input_throws() && has_words(thrown, input_words)) return;
    if (may_be_refused_ && is_refusal(thrown)) return;
    expect(plan_.how() != Collect::outcomes, "outcomes() threw " + text_of(thrown));
    for (std::uint32_t i = 0; i != plan_.task_count(); ++i) {
      if (plan_.task_fails(i) && is_failure_of(thrown, plan_.orders(i, setting_))) return;
    }
    expect(false, "the call threw what no task of it throws: " + text_of(thrown));
  }

  void expect_value(const Ending& ending, std::size_t i) const {
    expect(!ending.failure, "task " + std::to_string(i) + " failed with " +
                                (ending.failure ? text_of(*ending.failure) : std::string()));
    expect(ending.digest == expected_[i], "the result of task " + std::to_string(i) +
                                              " differs from what the sequential backend gives");
  }

  void of_list(const Observed& seen) const {
    if (seen.thrown) return of_error(*seen.thrown);
    expect(!some_task_fails() && !input_throws(), "the call returned although something failed");
    expect(seen.endings.size() == expected_.size(),
           "the call gave " + std::to_string(seen.endings.size()) + " results of " +
               std::to_string(expected_.size()));
    for (std::size_t i = 0; i != expected_.size(); ++i) expect_value(seen.endings[i], i);
  }

  void of_outcomes(const Observed& seen) const {
    if (seen.thrown) return of_error(*seen.thrown);
    expect(!input_throws(), "outcomes() returned although the input threw");
    expect(seen.endings.size() == expected_.size(), "outcomes() gave " +
                                                        std::to_string(seen.endings.size()) +
                                                        " of " + std::to_string(expected_.size()));
    for (std::uint32_t i = 0; i != plan_.task_count(); ++i) {
      const Ending& ending = seen.endings[i];
      if (may_be_refused_ && ending.failure && is_refusal(*ending.failure)) continue;
      if (!plan_.task_fails(i)) {
        expect_value(ending, i);
        continue;
      }
      expect(ending.failure.has_value(), "task " + std::to_string(i) + " should have failed");
      expect(is_failure_of(*ending.failure, plan_.orders(i, setting_)),
             "task " + std::to_string(i) +
                 " failed otherwise than it should: " + text_of(*ending.failure));
    }
  }

  void of_generator(const Observed& seen) const {
    expect(seen.endings.size() <= expected_.size(), "a generator gave too many results");
    for (std::size_t i = 0; i != seen.endings.size(); ++i) {
      expect(!plan_.task_fails(static_cast<std::uint32_t>(i)),
             "a generator gave a result for a task that failed");
      expect_value(seen.endings[i], i);
    }
  }

  void of_unordered(const Observed& seen) const {
    std::map<std::uint64_t, int> left;
    for (std::uint32_t i = 0; i != plan_.task_count(); ++i) {
      if (!plan_.task_fails(i)) ++left[expected_[i]];
    }
    for (const Ending& ending : seen.endings)
      expect(--left[ending.digest] >= 0,
             "generator_unordered() gave a result that no task has, or one of them twice");
  }

  // A generator was read to the end, or as far as it was to be.
  void of_end(const Observed& seen) const {
    if (seen.thrown) return of_error(*seen.thrown);
    const auto count = static_cast<Plan::Number>(seen.endings.size());
    if (plan_.read >= 0 && count == plan_.read) return;
    expect(!some_task_fails() && !input_throws(), "a generator ended although something failed");
    expect(count == plan_.tasks, "a generator ended after " + std::to_string(count) +
                                     " results of " + std::to_string(plan_.tasks));
  }

  const Plan& plan_;
  const Setting& setting_;
  const std::vector<std::uint64_t>& expected_;
  const bool may_be_refused_;  // its tasks hold what does not travel
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
  Check(plan, setting, expected).of(make_call(parallel, plan, setting));
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
  Check(plan, setting, expected).of(seen);
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
