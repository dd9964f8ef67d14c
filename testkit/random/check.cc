#include "paracord/testkit/random/check.h"

#include <map>

namespace paracord::testkit::random {

namespace {

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

bool is_refusal(const Failure& failure) {
  return failure.type.find("SerializationError") != std::string::npos;
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

}  // namespace

void expect(bool holds, const std::string& otherwise) {
  if (!holds) throw Wrong{otherwise};
}

std::string text_of(const Failure& failure) {
  return failure.type + " \"" + failure.what.substr(0, 300) + "\"";
}

const Function& function_of(const Plan& plan) {
  return *pool()[static_cast<std::size_t>(plan.function)];
}

void hold_against(const std::vector<std::uint64_t>& expected, const Plan& plan,
                  const Setting& setting, const Observed& seen) {
  Check(plan, setting, expected).of(seen);
}

}  // namespace paracord::testkit::random
