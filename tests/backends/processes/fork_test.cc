// A program that forks after it has used worker processes or a cluster: the child begins anew, and
// the parent takes no notice.

#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "paracord/tests/backends/processes/process_tasks.h"
#include "paracord/tests/core/forks.h"

#ifdef __SANITIZE_THREAD__
// Threads in the child of a fork are what this is about.
extern "C" const char* __tsan_default_options() {
  return "die_after_fork=0";
}
#endif

namespace paracord::process_tests {

constexpr unsigned longest_child_seconds = 60;

// Runs `body` in a child; whether that said so and ended in time.
template <class Body>
bool holds_in_a_child(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    alarm(longest_child_seconds);
    bool right = false;
    try {
      right = body();
    } catch (...) {
    }
    _exit(right ? 0 : 1);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

class Fork : public testing::Test {
 protected:
  void SetUp() override {
    if (!children_can_allocate) GTEST_SKIP() << "this sanitizer's allocator does not stand a fork";
  }
};

bool is_served_or_refused(Parallel& parallel) {
  try {
    const auto results = parallel(tasks(20, [](int i) { return delayed<plus_one>(i); }));
    for (int i = 0; i != 20; ++i) {
      if (results[static_cast<std::size_t>(i)] != i + 1) return false;
    }
    return true;
  } catch (const BackendUnavailable&) {
    return true;
  }
}

TEST_F(Fork, LeavesTheParentAlone) {
  Parallel parallel(processes());
  expect_usable(parallel);
  for (int round = 0; round != 3; ++round) {
    EXPECT_TRUE(holds_in_a_child([&] {
      Parallel fresh(processes());
      return is_served_or_refused(parallel) && is_served_or_refused(fresh);
    }));
    expect_usable(parallel);
  }
}

TEST_F(Fork, WhileACallRunsTouchesNoneOfItsTasks) {
  Parallel parallel(processes());
  auto generator = parallel.generator(tasks(2000, [](int i) { return delayed<plus_one>(i); }));
  int next = 0;
  for (const int result : generator) {
    ASSERT_EQ(result, ++next);
    if (next != 100) continue;
    EXPECT_TRUE(holds_in_a_child([] {
      Parallel fresh(processes());
      return is_served_or_refused(fresh);
    }));
  }
  EXPECT_EQ(next, 2000);
  expect_usable(parallel);
}

// The parent's threads are in the middle of whatever it is when the process forks.
TEST_F(Fork, TheChildMayDropACallOfItsParents) {
  Parallel parallel(processes());
  std::optional generator(
      parallel.generator(tasks(2000, [](int i) { return delayed<plus_one>(i); })));
  auto result = generator->begin();
  EXPECT_EQ(*result, 1);
  int next = 1;
  const int children = tests_nodes() ? 5 : 20;  // each of which may start a cluster
  for (int child = 0; child != children; ++child) {
    EXPECT_TRUE(holds_in_a_child([&] {
      bool refused = false;
      try {
        ++result;
      } catch (const BackendUnavailable&) {
        refused = true;
      }
      generator.reset();
      return refused && is_served_or_refused(parallel);
    })) << child;
    ++result;
    EXPECT_EQ(*result, ++next);
  }
  for (++result; result != generator->end(); ++result) EXPECT_EQ(*result, ++next);
  EXPECT_EQ(next, 2000);
}

int forks(int i) {
  if (i != 1) return i;
  // The child returns from the task as the parent does.
  const pid_t child = fork();
  if (child > 0) waitpid(child, nullptr, 0);
  return i;
}

TEST_F(Fork, OfATaskAnswersOnce) {
  Parallel parallel(processes());
  EXPECT_EQ(parallel(tasks(4, [](int i) { return delayed<forks>(i); })),
            (std::vector<int>{0, 1, 2, 3}));
  expect_usable(parallel);
}

}  // namespace paracord::process_tests
