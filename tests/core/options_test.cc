#include "paracord/core/options.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

using namespace std::chrono_literals;

struct BadInput {
  const char* name;
  ParallelOptions options;
  const char* value;   // named in the message
  const char* remedy;  // so is this
};

void PrintTo(const BadInput& input, std::ostream* out) {
  *out << input.name;
}

struct OptionsOfAnotherBackend {
  int nodes = 3;
};

std::vector<BadInput> bad_inputs() {
  return {
      {"NJobsZero", {.n_jobs = 0}, "n_jobs = 0", "−1 for all CPUs"},
      {"BatchSizeZero", {.batch_size = 0}, "batch_size = 0", "1 or more"},
      {"BatchSizeNegative", {.batch_size = -4}, "-4", "automatic"},
      {"TimeoutNegative", {.timeout = -1s}, "timeout = -1", "above zero"},
      {"TimeoutZero", {.timeout = 0s}, "timeout = 0", "unset"},
      {"TaskTimeoutNegative", {.task_timeout = -2s}, "task_timeout = -2", "above zero"},
      {"RetriesNegative", {.retries = -1}, "retries = -1", "0 runs each task once"},
      {"VerboseNegative", {.verbose = -1}, "verbose = -1", "0 is silent"},
      {"PreDispatchZero", {.pre_dispatch = 0}, "pre_dispatch = 0", "PreDispatch::all"},
      {"MaxPendingResultsZero", {.max_pending_results = 0}, "max_pending_results = 0", "1 or more"},
      {"InnerThreadsZero", {.inner_max_num_threads = 0}, "inner_max_num_threads = 0", "1 or more"},
      {"InnerThreadsOnThreads",
       {.backend = "threads", .inner_max_num_threads = 2},
       "threads",
       "processes"},
      {"UnknownBackend", {.backend = "treads"}, "'treads'", "sequential, threads"},
      {"EmptyBackend", {.backend = ""}, "backend = \"\"", "unset"},
      {"EmptyTrace", {.trace = ""}, "trace = \"\"", "unset"},
      {"ContradictingHints",
       {.prefer = Prefer::processes, .require = Require::shared_memory},
       "prefer = processes",
       "drop one"},
  };
}

class BadInputs : public ::testing::TestWithParam<BadInput> {};
INSTANTIATE_TEST_SUITE_P(Options, BadInputs, ::testing::ValuesIn(bad_inputs()),
                         [](const auto& bad) { return bad.param.name; });

void expect_refused(const std::function<void()>& act, const BadInput& input) {
  try {
    act();
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find(input.value), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(input.remedy), std::string::npos) << error.what();
  }
}

TEST_P(BadInputs, AreRefusedByTheConstructor) {
  expect_refused([] { Parallel parallel(GetParam().options); }, GetParam());
}

TEST_P(BadInputs, AreRefusedInAScopeAtTheLatestByTheConstructor) {
  expect_refused(
      [] {
        const auto scope = parallel_config(GetParam().options);
        Parallel parallel;
      },
      GetParam());
}

TEST(Options, OfAnotherBackendAreRefusedBeforeATaskStarts) {
  for (const char* backend : {"threads", "sequential"}) {
    Parallel parallel(
        {.n_jobs = 2, .backend = backend, .backend_options = OptionsOfAnotherBackend{}});
    bool ran = false;
    try {
      parallel(std::views::iota(0, 1) |
               std::views::transform([&](int) { return delayed([&ran] { ran = true; }); }));
      FAIL() << "accepted";
    } catch (const std::invalid_argument& error) {
      EXPECT_NE(std::string(error.what()).find("OptionsOfAnotherBackend"), std::string::npos)
          << error.what();
    }
    EXPECT_FALSE(ran);
  }
}

TEST(Options, OfThreadsAreChecked) {
  Parallel parallel({.n_jobs = 2, .backend_options = ThreadsOptions{.idle_timeout = -5ms}});
  try {
    parallel(squares(3));
    FAIL() << "accepted";
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("idle_timeout = -5 ms"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("0 or more"), std::string::npos) << error.what();
  }
  Parallel patient(
      {.n_jobs = 2,
       .backend_options = ThreadsOptions{.idle_timeout = std::chrono::milliseconds::max()}});
  EXPECT_EQ(patient(squares(100)), expected_squares(100));
  (void)Parallel({.n_jobs = 2, .backend_options = ThreadsOptions{}})(squares(3));
}

TEST(Options, OfTheBackendAreTaken) {
  Parallel parallel(
      {.n_jobs = 2, .backend = "threads", .backend_options = ThreadsOptions{.idle_timeout = 10s}});
  EXPECT_EQ(parallel(squares(10)), expected_squares(10));
}

TEST(Options, OfFilesAndClustersDoNoHarmOnThreads) {
  Parallel parallel({.n_jobs = 2,
                     .temp_folder = "/nowhere",
                     .max_nbytes = 1,
                     .mmap_mode = MmapMode::read,
                     .idempotent = true,
                     .priority = 3});
  EXPECT_EQ(parallel(squares(10)), expected_squares(10));
}

TEST(Options, NJobsBelowZeroCountsFromTheCpus) {
  const int cpus = cpu_count();
  EXPECT_EQ(effective_n_jobs(-1), cpus);
  EXPECT_EQ(effective_n_jobs(-2), std::max(cpus - 1, 1));
  EXPECT_EQ(effective_n_jobs(-1000), 1);
  EXPECT_EQ(effective_n_jobs(7), 7);
  EXPECT_THROW(effective_n_jobs(0), std::invalid_argument);
}

TEST(Options, NJobsMayBeAsLargeAsItGets) {
  for (const int n_jobs : {std::numeric_limits<int>::max(), std::numeric_limits<int>::max() - 31}) {
    for (const char* backend : {"threads", "sequential"}) {
      Parallel parallel({.n_jobs = n_jobs, .backend = backend});
      EXPECT_EQ(parallel(squares(10)), expected_squares(10));
    }
  }
  EXPECT_GE(effective_n_jobs(std::numeric_limits<int>::min()), 1);
}

TEST(Options, RegisteringABackendChecksItsName) {
  EXPECT_THROW(register_parallel_backend("", [] { return nullptr; }), std::invalid_argument);
  EXPECT_THROW(register_parallel_backend("null", nullptr), std::invalid_argument);
  register_parallel_backend("returns_null", [] { return nullptr; });
  EXPECT_THROW(Parallel({.backend = "returns_null"}), BackendUnavailable);
}

TEST(Options, TraceIntoAMissingFolderIsRefusedBeforeATaskStarts) {
  Parallel parallel({.n_jobs = 2, .trace = "/nowhere/at/all.json"});
  EXPECT_THROW(parallel(squares(3)), std::invalid_argument);
  EXPECT_THROW(parallel(squares(3)), std::invalid_argument);  // and the object is free again
}

}  // namespace
}  // namespace paracord
