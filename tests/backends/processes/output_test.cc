// What tasks print in worker processes, and who hears of it.

#include <cstdio>
#include <mutex>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

int prints_both(int i) {
  std::printf("task %d to stdout\n", i);
  std::fprintf(stderr, "task %d to stderr\n", i);
  return i;
}

class Listener final : public Observer {
 public:
  explicit Listener(bool takes) : takes_(takes) {}
  bool worker_output(const WorkerOutput& output) override {
    EXPECT_GT(output.pid, 0);
    EXPECT_GE(output.worker, 0);
    EXPECT_TRUE(output.text.ends_with('\n'));
    (output.is_error ? errors : text) += output.text;
    return takes_;
  }
  std::string text, errors;

 private:
  const bool takes_;
};

constexpr int count = 20;

void expect_all(const std::string& text, const std::string& where) {
  for (int i = 0; i != count; ++i)
    EXPECT_NE(text.find("task " + std::to_string(i) + " to " + where + "\n"), std::string::npos)
        << i << " in:\n"
        << text;
}

TEST(Output, ReachesTheObserver) {
  const auto listener = std::make_shared<Listener>(true);
  ParallelOptions options = processes();
  options.observer = listener;
  testing::internal::CaptureStdout();
  (void)Parallel(options)(tasks(count, [](int i) { return delayed<prints_both>(i); }));
  const std::string printed = testing::internal::GetCapturedStdout();
  expect_all(listener->text, "stdout");
  expect_all(listener->errors, "stderr");
  EXPECT_EQ(printed.find("to stdout"), std::string::npos) << printed;
}

TEST(Output, IsPrintedWhereTheObserverDoesNotTakeIt) {
  const auto listener = std::make_shared<Listener>(false);
  ParallelOptions options = processes();
  options.observer = listener;
  testing::internal::CaptureStdout();
  (void)Parallel(options)(tasks(count, [](int i) { return delayed<prints_both>(i); }));
  const std::string printed = testing::internal::GetCapturedStdout();
  expect_all(listener->text, "stdout");
  expect_all(printed, "stdout");
  EXPECT_EQ(printed.rfind("[worker ", 0), 0u) << printed;
}

}  // namespace
}  // namespace paracord::process_tests
