#include "paracord/core/observer.h"

#include <gtest/gtest.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <numeric>
#include <ranges>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

struct Counting final : Observer {
  void call_started(const CallStarted& event) override { started = event; }
  void batch_sent(const BatchSent& event) override { sent += event.size; }
  void task_done(const TaskDone& event) override {
    ++done;
    EXPECT_EQ(event.done_count, done);
    EXPECT_GE(event.ended, event.started);
    indexes.insert(event.index);
    failed += event.error != nullptr;
    if (event.task_count) total = *event.task_count;
  }
  void call_finished(const CallFinished& event) override { finished = event; }

  CallStarted started;
  CallFinished finished{};
  std::size_t sent = 0, done = 0, failed = 0, total = 0;
  std::set<std::size_t> indexes;
};

TEST(Observer, HearsOfEveryTask) {
  for (const char* backend : {"threads", "sequential"}) {
    auto observer = std::make_shared<Counting>();
    Parallel parallel({.n_jobs = 2, .backend = backend, .observer = observer});
    (void)parallel(squares(200));
    EXPECT_EQ(observer->started.backend, backend);
    EXPECT_EQ(observer->started.task_count, 200u);
    EXPECT_EQ(observer->sent, 200u);
    EXPECT_EQ(observer->done, 200u);
    EXPECT_EQ(observer->indexes.size(), 200u);
    EXPECT_EQ(observer->total, 200u);
    EXPECT_EQ(observer->failed, 0u);
    EXPECT_EQ(observer->finished.done_count, 200u);
    EXPECT_EQ(observer->finished.cancelled_count, 0u);
  }
}

TEST(Observer, HearsOfFailuresAndOfWhatWasCancelled) {
  auto observer = std::make_shared<Counting>();
  Parallel parallel({.n_jobs = 2, .pre_dispatch = PreDispatch::all, .observer = observer});
  EXPECT_THROW(parallel(std::views::iota(0, 100) | std::views::transform([](int i) {
                          return delayed(
                              [](int x) {
                                if (x == 5) throw std::runtime_error("five");
                                while (x > 5 && !stop_requested()) std::this_thread::yield();
                              },
                              i);
                        })),
               std::runtime_error);
  EXPECT_EQ(observer->failed, 1u);
  EXPECT_EQ(observer->finished.done_count + observer->finished.cancelled_count, 100u);
  EXPECT_GT(observer->finished.cancelled_count, 0u);
}

TEST(Verbose, PrintsJoblibsLines) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  (void)Parallel({.n_jobs = 2, .verbose = 11})(squares(10));
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
  EXPECT_NE(
      text.find(
          "[Parallel(n_jobs=2)]: Using backend ThreadingBackend with 2 concurrent workers.\n"),
      std::string::npos)
      << text;
  const std::regex last(
      R"(\[Parallel\(n_jobs=2\)\]: Done 10 out of 10 \| elapsed:    0\.\ds finished\n$)");
  EXPECT_TRUE(std::regex_search(text, last)) << text;
  const std::regex remaining(R"(Done  8 out of 10 \| elapsed:    0\.\ds remaining:    0\.\ds\n)");
  EXPECT_TRUE(std::regex_search(text, remaining)) << text;
}

// The numbers of tasks done that joblib 1.5.3 prints lines for, without the last line.
std::vector<int> progress_of(ParallelOptions options, int tasks) {
  ::testing::internal::CaptureStderr();
  (void)Parallel(options)(squares(tasks));
  const std::string text = ::testing::internal::GetCapturedStderr();
  const std::regex line(R"(Done +(\d+) out of +\d+ \| elapsed: +[\d.]+s( remaining: +[\d.]+s)?\n)");
  std::vector<int> numbers;
  for (std::sregex_iterator match(text.begin(), text.end(), line), end; match != end; ++match)
    numbers.push_back(std::stoi((*match)[1]));
  EXPECT_TRUE(text.ends_with("finished\n")) << text;
  return numbers;
}

TEST(Verbose, PrintsAsOftenAsJoblib) {
  std::vector<int> all(10);
  std::iota(all.begin(), all.end(), 1);
  EXPECT_EQ(progress_of({.n_jobs = 1, .verbose = 11}, 10), all);
  EXPECT_EQ(progress_of({.n_jobs = 2, .verbose = 11}, 10), (std::vector{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(progress_of({.n_jobs = 1, .verbose = 1}, 100), (std::vector{49}));
  EXPECT_EQ(progress_of({.n_jobs = 1, .verbose = 5}, 100), (std::vector{17, 71}));
  EXPECT_EQ(progress_of({.n_jobs = 1, .verbose = 10}, 4), (std::vector{1, 4}));
  EXPECT_EQ(progress_of({.n_jobs = 2, .verbose = 5}, 100), (std::vector{14, 68}));
  EXPECT_EQ(progress_of({.n_jobs = 2, .verbose = 1}, 100), (std::vector{46}));
  EXPECT_EQ(progress_of({.n_jobs = 4, .verbose = 10}, 60),
            (std::vector{5, 10, 17, 24, 33, 42, 53}));
}

TEST(Verbose, SaysNothingOfTheEndWhereATaskHasThrown) {
  for (const int n_jobs : {1, 2}) {
    ::testing::internal::CaptureStderr();
    EXPECT_THROW(Parallel({.n_jobs = n_jobs, .verbose = 11})(
                     std::views::iota(0, 5) | std::views::transform([](int i) {
                       return delayed(
                           [](int x) {
                             if (x == 4) throw std::runtime_error("four");
                           },
                           i);
                     })),
                 std::runtime_error);
    const std::string text = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(text.find("finished"), std::string::npos) << text;
  }
}

TEST(Verbose, NamesTheJobsAsTheyWereAskedFor) {
  ::testing::internal::CaptureStderr();
  (void)Parallel({.n_jobs = -1, .verbose = 1})(squares(3));
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("[Parallel(n_jobs=-1)]: Using backend ")) << text;
}

TEST(Verbose, SaysThatABackendWasReplaced) {
  const auto scope = parallel_config({.backend = "processes"});
  for (const int verbose : {9, 10}) {
    ::testing::internal::CaptureStderr();
    const Parallel parallel({.require = Require::shared_memory, .verbose = verbose});
    const std::string text = ::testing::internal::GetCapturedStderr();
    EXPECT_EQ(text, verbose < 10
                        ? ""
                        : "Using ThreadingBackend as joblib backend instead of ProcessesBackend "
                          "as the latter does not provide shared memory semantics.\n");
  }
}

TEST(Verbose, CountsTasksWhereTheLengthIsUnknown) {
  ::testing::internal::CaptureStderr();
  std::istringstream input("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20");
  (void)Parallel({.n_jobs = 1, .verbose = 11})(std::ranges::istream_view<int>(input) | as_squares);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("Done   1 tasks      | elapsed:    0.0s\n"), std::string::npos) << text;
  EXPECT_NE(text.find("Using backend SequentialBackend with 1 concurrent workers.\n"),
            std::string::npos)
      << text;
}

TEST(Verbose, GrowsSparserBelowLevelEleven) {
  const auto lines = [](int verbose) {
    ::testing::internal::CaptureStderr();
    std::ostringstream numbers;
    for (int i = 0; i != 500; ++i) numbers << i << ' ';
    std::istringstream input(numbers.str());
    (void)Parallel({.n_jobs = 1, .verbose = verbose})(std::ranges::istream_view<int>(input) |
                                                      as_squares);
    const std::string text = ::testing::internal::GetCapturedStderr();
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_LT(lines(1), lines(5));
  EXPECT_LT(lines(5), lines(11));
  EXPECT_GE(lines(11), 500);
}

TEST(Verbose, IsSilentByDefault) {
  ::testing::internal::CaptureStderr();
  ::testing::internal::CaptureStdout();
  (void)Parallel({.n_jobs = 2})(squares(100));
  EXPECT_EQ(::testing::internal::GetCapturedStderr(), "");
  EXPECT_EQ(::testing::internal::GetCapturedStdout(), "");
}

TEST(ProgressBar, PrintsSparseLinesIntoAPipe) {
  ::testing::internal::CaptureStderr();
  (void)Parallel({.n_jobs = 2, .observer = progress_bar("squares")})(squares(1000));
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(text.find("squares: 1000/1000"), std::string::npos) << text;
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 3);
}

// What a terminal of this width gets to see.
std::string on_terminal(unsigned short columns, const std::function<void()>& work) {
  winsize size{};
  size.ws_col = columns;
  size.ws_row = 24;
  int master = -1, terminal = -1;
  EXPECT_EQ(openpty(&master, &terminal, nullptr, nullptr, &size), 0);
  const int saved = dup(STDERR_FILENO);
  dup2(terminal, STDERR_FILENO);
  work();
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(terminal);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(master, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<std::size_t>(got));
  close(master);
  return text;
}

TEST(ProgressBar, RedrawsItsLineWithinATerminalsWidth) {
  for (const unsigned short columns : std::initializer_list<unsigned short>{100, 40, 12}) {
    const std::string text = on_terminal(columns, [] {
      Parallel parallel({.n_jobs = 2, .observer = progress_bar("a title")});
      parallel(std::views::iota(0, 60) |
               std::views::transform([](int) { return delayed<burn_and_return>(10'000); }));
    });
    EXPECT_NE(text.find("60/60"), std::string::npos) << text;
    std::size_t redrawn = 0;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line, '\r');) {
      const std::string shown = std::regex_replace(line, std::regex("\x1b\\[K|\n"), "");
      EXPECT_LT(shown.size(), columns) << shown;
      ++redrawn;
    }
    EXPECT_GE(redrawn, 2u) << text;
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1) << text;
    if (columns == 100) {
      EXPECT_NE(text.find("[####"), std::string::npos) << text;
      EXPECT_NE(text.find("a title: "), std::string::npos) << text;
    }
  }
}

class TraceFile : public ::testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove(path); }
  nlohmann::json read() {
    std::ifstream file(path);
    return nlohmann::json::parse(file);
  }
  std::string path = std::filesystem::temp_directory_path() /
                     ("paracord_trace_" + std::to_string(getpid()) + ".json");
};

// The JSON object format of the trace viewer: complete events with ts and dur in µs, and metadata
// events.
TEST_F(TraceFile, FollowsTheTraceViewersFormat) {
  Parallel parallel({.n_jobs = 2, .trace = path});
  parallel(std::views::iota(0, 40) |
           std::views::transform([](int) { return delayed<burn_and_return>(200); }));
  const nlohmann::json trace = read();
  std::set<std::size_t> indexes;
  int names = 0;
  for (const auto& event : trace.at("traceEvents")) {
    ASSERT_TRUE(event.at("name").is_string());
    ASSERT_TRUE(event.at("pid").is_number_integer());
    ASSERT_TRUE(event.at("tid").is_number_integer());
    const std::string phase = event.at("ph");
    if (phase == "M") {
      ++names;
      ASSERT_TRUE(event.at("args").at("name").is_string());
      continue;
    }
    ASSERT_EQ(phase, "X");
    ASSERT_GE(event.at("ts").get<double>(), 0);
    ASSERT_GE(event.at("dur").get<double>(), 0);
    if (event.at("cat") != "task") continue;
    indexes.insert(event.at("args").at("index").get<std::size_t>());
    EXPECT_GE(event.at("dur").get<double>(), 200);
    EXPECT_NE(event.at("name").get<std::string>().find("burn_and_return"), std::string::npos);
  }
  EXPECT_EQ(indexes.size(), 40u);
  EXPECT_GE(names, 2);
}

// Decimal commas, and points between thousands.
struct German : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

TEST_F(TraceFile, IsTheSameInEveryLocale) {
  const std::locale before = std::locale::global(std::locale(std::locale(), new German));
  Parallel parallel({.n_jobs = 2, .trace = path});
  parallel(std::views::iota(0, 2000) |
           std::views::transform([](int) { return delayed<burn_and_return>(1); }));
  std::locale::global(before);
  EXPECT_GT(read().at("traceEvents").size(), 2000u);
}

TEST_F(TraceFile, SaysThatTheDiskIsFull) {
  ::testing::internal::CaptureStderr();
  Parallel parallel({.n_jobs = 2, .trace = "/dev/full"});
  EXPECT_EQ(parallel(squares(10)), expected_squares(10));
  const std::string said = ::testing::internal::GetCapturedStderr();
  EXPECT_NE(said.find("/dev/full is not whole: No space left"), std::string::npos) << said;
}

TEST_F(TraceFile, IsNotWrittenToByThePrograms) {
  fflush(stdout);
  const int output = dup(STDOUT_FILENO);
  close(STDOUT_FILENO);
  Parallel parallel({.n_jobs = 2, .trace = path});
  parallel(std::views::iota(0, 4) | std::views::transform([](int) {
             return delayed([] { std::printf("printed, to nowhere\n"), fflush(stdout); });
           }));
  dup2(output, STDOUT_FILENO);
  close(output);
  clearerr(stdout);
  EXPECT_GE(read().at("traceEvents").size(), 4u);
}

TEST_F(TraceFile, IsWholeAfterAFailure) {
  Parallel parallel({.n_jobs = 2, .trace = path});
  EXPECT_THROW(parallel(std::views::iota(0, 10) | std::views::transform([](int i) {
                          return delayed(
                              [](int x) {
                                if (x == 4) throw std::runtime_error("quote \" and \\");
                              },
                              i);
                        })),
               std::runtime_error);
  bool failed = false;
  const nlohmann::json trace = read();
  for (const auto& event : trace.at("traceEvents")) {
    if (event.contains("cat") && event["cat"] == "task")
      failed |= event["args"]["failed"].get<bool>();
  }
  EXPECT_TRUE(failed);
}

}  // namespace
}  // namespace paracord
