// The children of a program with an embedded cluster, and of `paracord local`, end before their
// time.

#include <signal.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

// This process's child in that role; 0 where there is none.
int child_in_role(const std::string& role) {
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
    std::ifstream children(task.path() / "children");
    for (int pid = 0; children >> pid;) {
      std::ifstream file("/proc/" + std::to_string(pid) + "/cmdline");
      const std::string words((std::istreambuf_iterator<char>(file)), {});
      const std::string last = '\0' + role + '\0';
      if (words.size() > last.size() && words.ends_with(last)) return pid;
    }
  }
  return 0;
}

int takes_a_millisecond(int i) {
  std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return i + 1;
}

/// Keeps what it is told of the cluster.
struct Lines final : Observer {
  bool worker_output(const WorkerOutput& output) override {
    const std::lock_guard<std::mutex> hold(mutex);
    text += output.text;
    return true;
  }
  std::string seen() {
    const std::lock_guard<std::mutex> hold(mutex);
    return text;
  }
  std::mutex mutex;
  std::string text;
};

struct Supervised : testing::TestWithParam<const char*> {};

TEST_P(Supervised, ChildrenAreReplacedAndTheCallGoesOn) {
  const std::string role = GetParam();
  const auto lines = std::make_shared<Lines>();
  ParallelOptions options = processes();
  options.observer = lines;
  options.batch_size = 4;
  Parallel parallel(options);
  for (int round = 0; round != 2; ++round) {
    int next = 0;
    for (const int result :
         parallel.generator(tasks(1500, [](int i) { return delayed<takes_a_millisecond>(i); }))) {
      ASSERT_EQ(result, ++next);
      if (next != 300) continue;
      const int child = child_in_role(role);
      ASSERT_NE(child, 0);
      kill(child, round == 0 ? SIGKILL : SIGABRT);  // which a sanitizer leaves alone
      // It is noticed within a second, told with the signal, and not a zombie any more.
      EXPECT_TRUE(eventually([&] { return child_in_role(role) != child; }));
    }
    EXPECT_EQ(next, 1500);
    EXPECT_TRUE(eventually([&] {
      return lines->seen().find(round == 0 ? "SIGKILL" : "SIGABRT") != std::string::npos;
    })) << lines->seen();
  }
  EXPECT_NE(lines->seen().find("the embedded " + role), std::string::npos) << lines->seen();
  // A signal that can be handled comes with the functions that ran.
  EXPECT_NE(lines->seen().find("its backtrace:\n#0 "), std::string::npos) << lines->seen();
  expect_usable(parallel);
}

INSTANTIATE_TEST_SUITE_P(Roles, Supervised, testing::Values("node", "scheduler"));

}  // namespace
}  // namespace paracord::process_tests
