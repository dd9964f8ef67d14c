// A failure belongs to its task: whatever a task does to its worker, all other results arrive.

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <random>
#include <set>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {

enum class End {
  exit,
  quick_exit,
  abort,
  segfault,
  killed,
  no_memory,
  unknown_exception,
  argument_encoding,
  argument_decoding,
  result_encoding,
  result_decoding
};

/// Travels badly, where it is told to.
struct Fragile {
  int value = 0;
  bool breaks_encoding = false, breaks_decoding = false;
};

}  // namespace paracord::process_tests

template <>
struct paracord::Codec<paracord::process_tests::Fragile> {
  using Fragile = paracord::process_tests::Fragile;
  static void encode(Encoder& out, const Fragile& fragile) {
    if (fragile.breaks_encoding) throw std::domain_error("does not encode");
    out.put(fragile.value);
    out.put(fragile.breaks_decoding);
  }
  static Fragile decode(Decoder& in) {
    Fragile fragile{in.get<int>(), false, false};
    if (in.get<bool>()) throw std::domain_error("does not decode");
    return fragile;
  }
};

namespace paracord::process_tests {

struct NobodyKnows {};

Fragile ends(Fragile argument, End how, bool now) {
  if (!now) return argument;
  switch (how) {
    case End::exit:
      std::exit(3);
    case End::quick_exit:
      _exit(42);
    case End::abort:
      std::abort();
    case End::segfault:
      signal(SIGSEGV, SIG_DFL);  // also where a sanitizer would handle it
      raise(SIGSEGV);
      break;
    case End::killed:
      kill(getpid(), SIGKILL);
      break;
    case End::no_memory:
      throw std::bad_alloc();
    case End::unknown_exception:
      throw NobodyKnows();
    case End::result_encoding:
      argument.breaks_encoding = true;
      break;
    case End::result_decoding:
      argument.breaks_decoding = true;
      break;
    default:
      break;
  }
  return argument;
}

void expect_right_error(const std::exception_ptr& error, End how) {
  switch (how) {
    case End::exit:
    case End::quick_exit:
    case End::abort:
    case End::segfault:
    case End::killed:
      EXPECT_TRUE(is_a<WorkerLostError>(error)) << text_of(error);
      break;
    case End::no_memory:
      EXPECT_TRUE(is_a<std::bad_alloc>(error)) << text_of(error);
      break;
    case End::unknown_exception:
      EXPECT_TRUE(is_a<TaskError>(error)) << text_of(error);
      break;
    default:
      EXPECT_TRUE(is_a<std::domain_error>(error)) << text_of(error);
  }
}

struct Case {
  End how;
  int which;  // the task that fails
};

class Failure : public testing::TestWithParam<Case> {
 protected:
  static constexpr int count = 9;
  auto failing() const {
    const Case c = GetParam();
    return tasks(count, [c](int i) {
      Fragile argument{i, false, false};
      const bool now = i == c.which;
      argument.breaks_encoding = now && c.how == End::argument_encoding;
      argument.breaks_decoding = now && c.how == End::argument_decoding;
      return delayed<ends>(argument, c.how, now);
    });
  }
};

TEST_P(Failure, CostsNothingButItsTask) {
  Parallel parallel(processes());
  const auto outcomes = parallel.outcomes(failing());
  ASSERT_EQ(outcomes.size(), static_cast<std::size_t>(count));
  for (int i = 0; i != count; ++i) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    if (i == GetParam().which) {
      ASSERT_FALSE(outcome.has_value());
      expect_right_error(outcome.error(), GetParam().how);
    } else {
      ASSERT_TRUE(outcome.has_value()) << text_of(outcome.error());
      EXPECT_EQ(outcome.value().value, i);
    }
  }
  expect_usable(parallel);
}

TEST_P(Failure, EndsAListWithItsError) {
  Parallel parallel(processes());
  try {
    (void)parallel(failing());
    FAIL() << "nothing was thrown";
  } catch (...) {
    expect_right_error(std::current_exception(), GetParam().how);
  }
  expect_usable(parallel);
}

TEST_P(Failure, EndsAGeneratorWithItsError) {
  Parallel parallel(processes());
  for (const bool ordered : {true, false}) {
    std::set<int> seen;
    try {
      auto generator =
          ordered ? parallel.generator(failing()) : parallel.generator_unordered(failing());
      for (const Fragile& result : generator)
        EXPECT_TRUE(seen.insert(result.value).second) << "given twice";
      FAIL() << "nothing was thrown";
    } catch (...) {
      expect_right_error(std::current_exception(), GetParam().how);
    }
    EXPECT_FALSE(seen.contains(GetParam().which));
  }
  expect_usable(parallel);
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (int how = 0; how <= static_cast<int>(End::result_decoding); ++how) {
    for (const int which : {0, 4, 8}) cases.push_back({static_cast<End>(how), which});
  }
  return cases;
}

void PrintTo(const Case& c, std::ostream* out) {
  static constexpr const char* names[] = {"Exit",
                                          "QuickExit",
                                          "Abort",
                                          "Segfault",
                                          "Killed",
                                          "NoMemory",
                                          "UnknownException",
                                          "ArgumentEncoding",
                                          "ArgumentDecoding",
                                          "ResultEncoding",
                                          "ResultDecoding"};
  *out << names[static_cast<int>(c.how)] << c.which;
}

INSTANTIATE_TEST_SUITE_P(Crashes, Failure, testing::ValuesIn(all_cases()),
                         testing::PrintToStringParamName());

int says_and_aborts(int i) {
  if (i == 1) {
    std::fprintf(stderr, "the disk is on fire\n");
    std::abort();
  }
  return i;
}

int writes_to(volatile int* place, int i) {
  *place = i;
  return i;
}

int crashes(int i) {
  int* volatile nowhere = nullptr;  // so that no compiler knows it
  return i == 1 ? writes_to(nowhere + 2, i) + 1 : i;
}

using Function = int (*)(int);

int calls_nothing(int i) {
  volatile Function nothing = nullptr;
  return i == 1 ? nothing(i) + 1 : i;
}

#ifndef __SANITIZE_ADDRESS__  // which prints a report of its own in place of ours
std::string backtrace_of(const std::exception_ptr& error) {
  try {
    std::rethrow_exception(error);
  } catch (const WorkerLostError& lost) {
    const std::string what = lost.what();
    EXPECT_NE(what.find("SIGSEGV"), std::string::npos) << what;
    EXPECT_EQ(what.find("WorkerLoop"), std::string::npos) << what;
    return lost.loss().backtrace;
  } catch (...) {
    return "another error";
  }
}

TEST(WorkerLost, HasABacktraceThatNamesTheUsersFunctionsAndNoOthers) {
  Parallel parallel(processes());
  const auto outcomes = parallel.outcomes(tasks(3, [](int i) { return delayed<crashes>(i); }));
  const std::string trace = backtrace_of(outcomes[1].error());
  EXPECT_TRUE(trace.starts_with("#0 ")) << trace;
  for (const char* other : {"WorkerLoop", "run_encoded", "initialize", "__libc_start"})
    EXPECT_EQ(trace.find(other), std::string::npos) << trace;
#ifdef PARACORD_TEST_WITH_LIBDW
  const std::size_t first = trace.find("writes_to(");
  const std::size_t second = trace.find("crashes(int)");
  ASSERT_NE(second, std::string::npos) << trace;
  EXPECT_LT(first, second) << trace;
  EXPECT_NE(trace.find("crash_test.cc:"), std::string::npos) << trace;
#endif
}

TEST(WorkerLost, HasABacktraceOfACallToNowhere) {
  Parallel parallel(processes());
  const auto outcomes =
      parallel.outcomes(tasks(3, [](int i) { return delayed<calls_nothing>(i); }));
  const std::string trace = backtrace_of(outcomes[1].error());
#ifdef PARACORD_TEST_WITH_LIBDW
  EXPECT_NE(trace.find("calls_nothing(int) at "), std::string::npos) << trace;
#endif
}
#endif

TEST(WorkerLost, SaysSignalTaskBacktraceAndLastOutput) {
  Parallel parallel(processes());
  testing::internal::CaptureStderr();
  const auto outcomes =
      parallel.outcomes(tasks(3, [](int i) { return delayed<says_and_aborts>(i); }));
  const std::string relayed = testing::internal::GetCapturedStderr();
  EXPECT_NE(relayed.find("] the disk is on fire"), std::string::npos) << relayed;
  try {
    outcomes[1].value();
    FAIL() << "nothing was thrown";
  } catch (const WorkerLostError& error) {
    EXPECT_EQ(error.loss().signal, SIGABRT);
    EXPECT_NE(error.loss().last_output.find("the disk is on fire"), std::string::npos);
    EXPECT_NE(error.loss().backtrace.find("("), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("SIGABRT"), std::string::npos);
    const auto task = task_error(error);
    ASSERT_TRUE(task);
    EXPECT_EQ(task->failure().index, 1u);
    EXPECT_NE(task->failure().function.find("says_and_aborts"), std::string::npos);
    EXPECT_EQ(task->failure().arguments, "1");
  }
}

// Leaves a mark in a file each time that it runs.
int marks(std::string path, int i, bool dies_first) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT, 0600);
  const std::string line = std::to_string(i) + "\n";
  (void)!write(fd, line.data(), line.size());
  close(fd);
  if (dies_first && this_worker().attempt == 1) _exit(9);
  return i;
}

TEST(WorkerLost, RetriesRunOnlyTheLostTaskAgain) {
  const std::string path = testing::TempDir() + "paracord_marks_" + std::to_string(getpid());
  unlink(path.c_str());
  ParallelOptions options = processes();
  options.retries = 1;
  Parallel parallel(options);
  const auto results =
      parallel(tasks(30, [&](int i) { return delayed<marks>(path, i, i % 10 == 3); }));
  for (int i = 0; i != 30; ++i) EXPECT_EQ(results[static_cast<std::size_t>(i)], i);
  std::multiset<int> runs;
  std::ifstream file(path);
  for (int i = 0; file >> i;) runs.insert(i);
  unlink(path.c_str());
  for (int i = 0; i != 30; ++i) EXPECT_EQ(runs.count(i), i % 10 == 3 ? 2u : 1u) << "task " << i;
}

int sleeps(int i, int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
  return i;
}

TEST(TaskTimeout, KillsTheWorkerOfThatTaskOnly) {
  ParallelOptions options = processes();
  options.task_timeout = std::chrono::milliseconds(500);
  Parallel parallel(options);
  const auto outcomes =
      parallel.outcomes(tasks(8, [](int i) { return delayed<sleeps>(i, i == 2 ? 60'000 : 1); }));
  for (int i = 0; i != 8; ++i) {
    const auto& outcome = outcomes[static_cast<std::size_t>(i)];
    EXPECT_EQ(outcome.has_value(), i != 2) << i;
  }
  EXPECT_TRUE(is_a<TimeoutError>(outcomes[2].error())) << text_of(outcomes[2].error());
  expect_usable(parallel);
}

int own_pid(int) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return getpid();
}

// Kills workers, as their pids become known from a call's results.
TEST(WorkerLost, RandomKillsLoseAndDoubleNothing) {
  ParallelOptions options = processes(3);
  options.retries = 1000;
  Parallel parallel(options);
  std::mt19937 random(7);
  int kills = 0, results = 0;
  for (const int pid :
       parallel.generator_unordered(tasks(3000, [](int i) { return delayed<own_pid>(i); }))) {
    ++results;
    if (kills < 100 && random() % 8 == 0) {
      ++kills;
      kill(pid, SIGKILL);
    }
  }
  EXPECT_EQ(results, 3000);
  EXPECT_EQ(kills, 100);
  expect_usable(parallel);
}

void dies_at_once() {
  _exit(5);
}

TEST(WorkerLost, AnInitializerThatDiesIsAnErrorNotALoop) {
  ParallelOptions options = processes();
  options.initializer = delayed<dies_at_once>();
  Parallel parallel(options);
  try {
    (void)parallel(tasks(4, [](int i) { return delayed<plus_one>(i); }));
    FAIL() << "nothing was thrown";
  } catch (const BackendUnavailable& error) {
    EXPECT_NE(std::string(error.what()).find("exited with code 5"), std::string::npos)
        << error.what();
  }
  Parallel another(processes());
  expect_usable(another);
}

}  // namespace paracord::process_tests
