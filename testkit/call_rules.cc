// Rules of whole calls: what a user of the backend sees through Parallel.

#include <atomic>
#include <future>
#include <ranges>
#include <stdexcept>

#include "paracord/core/parallel.h"
#include "paracord/core/worker.h"
#include "paracord/testkit/rules.h"

namespace paracord::testkit {

namespace {

ParallelOptions options_for(const Subject& subject) {
  ParallelOptions options;
  options.n_jobs = subject.n_jobs;
  options.backend = subject.name;
  return options;
}

auto numbers(int count) {
  return std::views::iota(0, count);
}

void spin(int microseconds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::microseconds(microseconds);
  while (std::chrono::steady_clock::now() < end) {
  }
}

int doubled(int i) {
  spin(i * 7919 % 40);  // of uneven length, so that tasks overtake each other
  return 2 * i;
}

int fails_at_seven(int i) {
  if (i == 7) throw std::invalid_argument("seven");
  return i;
}

auto doubling(int count) {
  return numbers(count) | std::views::transform([](int i) { return delayed<doubled>(i); });
}

void expect_doubles(const std::vector<int>& results, int count) {
  expect(results.size() == static_cast<std::size_t>(count),
         std::to_string(results.size()) + " results for " + std::to_string(count) + " tasks");
  for (int i = 0; i != count; ++i) {
    expect(results[static_cast<std::size_t>(i)] == 2 * i,
           "result " + std::to_string(i) + " is another task's");
  }
}

void results_in_order(const Subject& subject) {
  Parallel parallel(options_for(subject));
  for (const int count : {0, 1, 2, 3, 17, 500}) expect_doubles(parallel(doubling(count)), count);
}

void generators_give_all(const Subject& subject) {
  Parallel parallel(options_for(subject));
  std::vector<int> ordered;
  for (const int result : parallel.generator(doubling(700))) ordered.push_back(result);
  expect_doubles(ordered, 700);
  std::vector<int> seen(700);
  for (const int result : parallel.generator_unordered(doubling(700)))
    ++seen[static_cast<std::size_t>(result / 2)];
  for (const int times : seen)
    expect(times == 1, "generator_unordered gave a result " + std::to_string(times) + " times");
}

void exceptions_belong_to_their_task(const Subject& subject) {
  Parallel parallel(options_for(subject));
  const auto failing =
      numbers(40) | std::views::transform([](int i) { return delayed<fails_at_seven>(i); });
  for (int round = 0; round != 25; ++round) {
    bool thrown = false;
    try {
      parallel(failing);
    } catch (const std::invalid_argument& error) {
      thrown = true;
      expect(std::string(error.what()) == "seven", "what() is not the task's own");
      const auto detail = task_error(error);
      expect(detail && detail->failure().index == 7,
             "the TaskError is missing, or names another task");
    }
    expect(thrown, "the task's exception did not arrive as std::invalid_argument");
    expect_doubles(parallel(doubling(30)), 30);  // only new results, on the same object
  }
  const auto outcomes = parallel.outcomes(failing);
  expect(outcomes.size() == 40, "outcomes() lost tasks");
  for (std::size_t i = 0; i != 40; ++i) {
    expect(outcomes[i].has_value() == (i != 7), "outcome " + std::to_string(i) + " is wrong");
  }
}

struct Counted {
  static inline std::atomic<int> alive{0}, most{0};
  explicit Counted(int value) : value(value) { count(); }
  Counted(Counted&& other) noexcept : value(other.value) { count(); }
  ~Counted() { --alive; }
  static void count() {
    const int now = ++alive;
    for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
    }
  }
  int value;
};

void back_pressure(const Subject& subject) {
  if (!subject.factory()->capabilities().shared_memory)
    return;  // results elsewhere cannot be counted here
  ParallelOptions options = options_for(subject);
  options.max_pending_results = 5;
  Parallel parallel(options);
  Counted::most = 0;
  int next = 0;
  for (const Counted& result :
       parallel.generator(numbers(300) | std::views::transform([](int i) {
                            return delayed([](int value) { return Counted(value); }, i);
                          }))) {
    expect(result.value == next++, "results are out of order");
    if (next % 10 == 0) spin(200);
  }
  expect(next == 300, "results are missing");
  expect(Counted::most <= 5,
         std::to_string(Counted::most) + " results existed with max_pending_results = 5");
}

void abandoned_generators_end(const Subject& subject) {
  Parallel parallel(options_for(subject));
  for (int round = 0; round != 20; ++round) {
    {
      auto generator = parallel.generator(doubling(100'000));
      auto it = generator.begin();
      expect(*it == 0, "the first result is not the first task's");
    }
    expect_doubles(parallel(doubling(20)), 20);
  }
}

int sum_of_inner(int outer) {
  Parallel inner({.n_jobs = -1});
  int sum = 0;
  for (const int value : inner(doubling(20))) sum += value;
  return sum + outer;
}

void nested_calls_end(const Subject& subject) {
  Parallel parallel(options_for(subject));
  const auto results =
      parallel(numbers(50) | std::views::transform([](int i) { return delayed<sum_of_inner>(i); }));
  for (int i = 0; i != 50; ++i)
    expect(results[static_cast<std::size_t>(i)] == 380 + i, "a nested call's result is wrong");
}

int nested_on_same(int depth) {
  if (depth == 0) return 1;
  ParallelOptions options;
  options.n_jobs = 2;
  Parallel inner(options);
  int sum = 0;
  for (const int value : inner(numbers(2) | std::views::transform([depth](int) {
                                 return delayed<nested_on_same>(depth - 1);
                               }))) {
    sum += value;
  }
  return sum;
}

void deep_nesting_ends(const Subject& subject) {
  Parallel parallel(options_for(subject));
  const auto results =
      parallel(numbers(4) | std::views::transform([](int) { return delayed<nested_on_same>(5); }));
  for (const int result : results) expect(result == 32, "a deeply nested call's result is wrong");
}

void cancellation_ends_a_call(const Subject& subject) {
  ParallelOptions options = options_for(subject);
  std::stop_source source;
  options.stop_token = source.get_token();
  Parallel parallel(options);
  source.request_stop();
  bool cancelled = false;
  try {
    parallel(doubling(1000));
  } catch (const CancelledError&) {
    cancelled = true;
  }
  expect(cancelled, "a call whose stop_token was triggered did not throw CancelledError");
}

int wrong_results_of_one_caller(const Subject& subject) {
  ParallelOptions options = options_for(subject);
  int wrong = 0;
  for (int round = 0; round != 30; ++round) {
    options.n_jobs = 2 + round % 3;
    Parallel parallel(options);
    const auto results = parallel(doubling(40));
    for (int i = 0; i != 40; ++i) wrong += results[static_cast<std::size_t>(i)] != 2 * i;
  }
  return wrong;
}

void many_callers(const Subject& subject) {
  std::vector<std::future<int>> callers;
  for (int caller = 0; caller != 6; ++caller) {
    callers.push_back(
        std::async(std::launch::async, [&] { return wrong_results_of_one_caller(subject); }));
  }
  for (auto& caller : callers) caller.wait();
  int wrong = 0;
  for (auto& caller : callers) wrong += caller.get();
  expect(wrong == 0, std::to_string(wrong) + " wrong results with six callers at once");
}

}  // namespace

std::vector<Rule> call_rules() {
  return {
      {"ResultsInOrder", "results come in the order of the tasks", results_in_order},
      {"GeneratorsGiveAll", "generators give each result once", generators_give_all},
      {"ExceptionsBelongToTheirTask",
       "a task's exception arrives, costs nothing else, and the next call is clean",
       exceptions_belong_to_their_task},
      {"BackPressure", "no more results exist than max_pending_results", back_pressure},
      {"AbandonedGeneratorsEnd",
       "a generator that is destroyed takes its call with it, and nothing else",
       abandoned_generators_end},
      {"NestedCallsEnd", "calls inside tasks end, with right results", nested_calls_end},
      {"DeepNestingEnds", "so do calls inside calls inside tasks", deep_nesting_ends},
      {"CancellationEndsACall", "a stop_token ends the call with CancelledError",
       cancellation_ends_a_call},
      {"ManyCallers", "several threads may use the backend through objects of their own",
       many_callers},
  };
}

}  // namespace paracord::testkit
