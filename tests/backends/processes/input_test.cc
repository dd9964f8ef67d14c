// Inputs, codecs, observers and initializers that make calls, or wait for others.

#include <atomic>
#include <future>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

int twice(int i) {
  return 2 * i;
}

enum class Form { list, outcomes, generator, generator_unordered };

// The sum of what the call of these tasks gives.
template <class Range>
long sum_of(Parallel& parallel, Form form, Range&& range) {
  long sum = 0;
  switch (form) {
    case Form::list:
      for (const int value : parallel(range)) sum += value;
      break;
    case Form::outcomes:
      for (const auto& outcome : parallel.outcomes(range)) sum += outcome.value();
      break;
    case Form::generator:
      for (const int value : parallel.generator(range)) sum += value;
      break;
    case Form::generator_unordered:
      for (const int value : parallel.generator_unordered(range)) sum += value;
      break;
  }
  return sum;
}

struct Input : testing::TestWithParam<std::tuple<std::string, int, Form>> {};

// A range that takes each element from the results of another call on the same workers: whoever
// reads it waits, and must not be the one who is waited for.
TEST_P(Input, MayBeFedByAnotherCall) {
  const auto& [backend, n_jobs, form] = GetParam();
  ParallelOptions options;
  options.backend = backend;
  options.n_jobs = n_jobs;
  for (int round = 0; round != 5; ++round) {
    Parallel first(options), second(options);
    auto numbers = first.generator(tasks(300, [](int i) { return delayed<plus_one>(i); }));
    EXPECT_EQ(sum_of(second, form,
                     numbers | std::views::transform([](int i) { return delayed<twice>(i); })),
              300L * 301);
  }
}

// Three of them in a row.
TEST_P(Input, MayComeThroughAChainOfCalls) {
  const auto& [backend, n_jobs, form] = GetParam();
  ParallelOptions options;
  options.backend = backend;
  options.n_jobs = n_jobs;
  Parallel a(options), b(options), c(options);
  auto first = a.generator(tasks(200, [](int i) { return delayed<plus_one>(i); }));
  auto second = b.generator_unordered(
      first | std::views::transform([](int i) { return delayed<plus_one>(i); }));
  EXPECT_EQ(
      sum_of(c, form, second | std::views::transform([](int i) { return delayed<twice>(i); })),
      200L * 203);
}

INSTANTIATE_TEST_SUITE_P(Forms, Input,
                         testing::Combine(testing::Values("threads", backend_under_test()),
                                          testing::Values(2, 3, -1),
                                          testing::Values(Form::list, Form::outcomes,
                                                          Form::generator,
                                                          Form::generator_unordered)));

/// Its codec makes a call, which would wait for results while they are collected.
struct CallsWhenWritten {
  int value = 0;
};
int value_of(CallsWhenWritten argument) {
  return argument.value;
}
CallsWhenWritten made(int value) {
  return {value};
}
thread_local bool is_in_the_caller = false;

}  // namespace
}  // namespace paracord::process_tests

template <>
struct paracord::Codec<paracord::process_tests::CallsWhenWritten> {
  using T = paracord::process_tests::CallsWhenWritten;
  static void call() {
    paracord::Parallel inner({.n_jobs = 2, .backend = backend_under_test()});
    (void)inner(std::views::iota(0, 3) | std::views::transform([](int i) {
                  return paracord::delayed<paracord::process_tests::plus_one>(i);
                }));
  }
  static void encode(paracord::Encoder& out, const T& argument) {
    if (paracord::process_tests::is_in_the_caller) call();
    out.put(argument.value);
  }
  static T decode(paracord::Decoder& in) {
    if (paracord::this_worker().index < 0) call();
    return {in.get<int>()};
  }
};

namespace paracord::process_tests {
namespace {

TEST(Callbacks, CodecsThatMakeCallsGetALogicError) {
  Parallel parallel(processes());
  is_in_the_caller = true;
  try {
    (void)parallel(tasks(20, [](int i) { return delayed<value_of>(CallsWhenWritten{i}); }));
    ADD_FAILURE() << "the call inside the codec was made";
  } catch (const std::logic_error& error) {
    EXPECT_NE(std::string(error.what()).find("a codec"), std::string::npos) << error.what();
  }
  is_in_the_caller = false;
  EXPECT_THROW((void)parallel(tasks(20, [](int i) { return delayed<made>(i); })), std::logic_error);
  expect_usable(parallel);
}

struct CallingObserver final : Observer {
  void task_done(const TaskDone&) override {
    try {
      Parallel inner(processes());
      (void)inner(tasks(3, [](int i) { return delayed<plus_one>(i); }));
    } catch (const std::logic_error&) {
      ++refused;
    }
  }
  std::atomic<int> refused{0};
};

TEST(Callbacks, ObserversThatMakeCallsGetALogicError) {
  for (const char* backend : {"threads", backend_under_test()}) {
    const auto observer = std::make_shared<CallingObserver>();
    ParallelOptions options = processes();
    options.backend = backend;
    options.observer = observer;
    Parallel parallel(options);
    expect_usable(parallel);
    EXPECT_EQ(observer->refused, 20);
  }
}

void calls_at_first() {
  Parallel inner({.n_jobs = 2, .backend = "threads"});
  const auto results = inner(tasks(8, [](int i) { return delayed<plus_one>(i); }));
  if (results.size() != 8) std::abort();
}

TEST(Callbacks, InitializersMayMakeCalls) {
  for (const char* backend : {"threads", backend_under_test()}) {
    ParallelOptions options = processes(3);
    options.backend = backend;
    options.initializer = Initializer([] { calls_at_first(); });
    Parallel parallel(options);
    expect_usable(parallel);
  }
}

}  // namespace
}  // namespace paracord::process_tests
