// Calls inside tasks of a cluster: more of them than any limit of a node's, in all forms.

#include <gtest/gtest.h>

#include <numeric>

#include "paracord/tests/backends/zeromq/local_cluster.h"

namespace paracord::cluster_tests {
namespace {

enum class Form { list, outcomes, generator, unordered };

/// A tree of calls: a backend for each level below this one, by its letter.
struct Tree {
  int width = 1;
  Form form = Form::list;
  std::string backends;
};

std::string name_of(char backend) {
  switch (backend) {
    case 'z':
      return "zeromq";
    case 'p':
      return "processes";
    case 't':
      return "threads";
    default:
      return "sequential";
  }
}

template <class Tasks>
long sum(Parallel& parallel, Tasks tasks, Form form) {
  long total = 0;
  switch (form) {
    case Form::list:
      for (const long value : parallel(tasks)) total += value;
      return total;
    case Form::outcomes:
      for (const auto& outcome : parallel.outcomes(tasks)) total += outcome.value();
      return total;
    case Form::generator:
      for (const long value : parallel.generator(tasks)) total += value;
      return total;
    case Form::unordered:
      for (const long value : parallel.generator_unordered(tasks)) total += value;
  }
  return total;
}

// How many leaves there are.
long leaves(Tree tree) {
  if (tree.backends.empty()) return 1;
  Parallel parallel({.n_jobs = -1, .backend = name_of(tree.backends[0])});
  Tree below = tree;
  below.backends.erase(0, 1);
  return sum(parallel, tasks(tree.width, [&](int) { return delayed<leaves>(below); }), tree.form);
}

long all_leaves(const ParallelOptions& options, int outer, const Tree& tree) {
  Parallel parallel(options);
  return sum(parallel, tasks(outer, [&](int) { return delayed<leaves>(tree); }), tree.form);
}

ParallelOptions embedded(int n_jobs) {
  ParallelOptions options;
  options.n_jobs = n_jobs;
  options.backend = "zeromq";
  return options;
}

constexpr Form forms[] = {Form::list, Form::outcomes, Form::generator, Form::unordered};

TEST(EmbeddedNestedCalls, EndHoweverManyTasksMakeThem) {
  for (const int outer : {1, 14, 15, 16, 17, 40, 200}) {
    for (const int n_jobs : {1, 2, 4, -1}) {
      const Form form = forms[static_cast<std::size_t>(outer + n_jobs + 1) % 4];
      EXPECT_EQ(all_leaves(embedded(n_jobs), outer, {2, form, "z"}), 2 * outer)
          << outer << " tasks, n_jobs " << n_jobs;
    }
  }
}

TEST(EmbeddedNestedCalls, EndEightLevelsDown) {
  for (const Form form : forms) EXPECT_EQ(all_leaves(embedded(-1), 2, {2, form, "zzzzzzz"}), 256);
}

// Whatever stands between them: a task's part is done in threads and processes of its own as well.
TEST(EmbeddedNestedCalls, EndThroughEachPairOfBackends) {
  const std::string letters = "zpts";
  for (const char first : letters) {
    for (const char second : letters) {
      const std::string between{first, second, 'z'};
      for (const Form form : {Form::list, Form::generator})
        EXPECT_EQ(all_leaves(embedded(2), 3, {2, form, between}), 24) << between;
      ParallelOptions outer;
      outer.n_jobs = 2;
      outer.backend = name_of(first);
      EXPECT_EQ(all_leaves(outer, 3, {2, Form::list, {second, 'z'}}), 12) << between;
    }
  }
}

// Threads that the task has started itself belong to it, too.
long in_a_thread(int count) {
  long total = 0;
  std::thread([&] { total = leaves({count, Form::list, "z"}); }).join();
  return total;
}

class NestedCalls : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    cluster.start_scheduler();
    cluster.start_node("one", GetParam());
  }
  LocalCluster cluster;
};

TEST_P(NestedCalls, EndHoweverManyTasksMakeThem) {
  // Each task that waits is a process: fewer where very many may.
  const bool is_large = GetParam() > 2;
  for (const int outer : is_large ? std::vector{17, 70} : std::vector{15, 16, 17, 40, 200}) {
    for (const int n_jobs : is_large ? std::vector{4, -1} : std::vector{1, 2, 4, -1}) {
      ParallelOptions options = cluster.options();
      options.n_jobs = n_jobs;
      const Form form = forms[static_cast<std::size_t>(outer + n_jobs + 1) % 4];
      EXPECT_EQ(all_leaves(options, outer, {1, form, "z"}), outer)
          << outer << " tasks, n_jobs " << n_jobs;
    }
  }
}

TEST_P(NestedCalls, EndInAllFormsAndEightLevelsDown) {
  const int width = GetParam() > 2 ? 1 : 2;
  for (const Form form : forms) {
    EXPECT_EQ(all_leaves(cluster.options(), 20, {10, form, "z"}), 200);
    EXPECT_EQ(all_leaves(cluster.options(), 2, {width, form, "zzzzzzz"}), width == 1 ? 2 : 256);
  }
}

TEST_P(NestedCalls, EndInThreadsOfTheTasks) {
  Parallel parallel(cluster.options());
  const auto totals = parallel(tasks(20, [](int) { return delayed<in_a_thread>(3); }));
  EXPECT_EQ(std::accumulate(totals.begin(), totals.end(), 0L), 60);
}

INSTANTIATE_TEST_SUITE_P(OnSlots, NestedCalls, testing::Values(1, 2, 64));

// Whether another task was at the same place, now or before: the first two only if they are there
// at the same time.
bool meets_another(std::string folder, int task) {
  std::ofstream(folder + "/" + std::to_string(task)).close();
  return eventually([&] {
    std::filesystem::directory_iterator entries(folder);
    return std::distance(begin(entries), end(entries)) > 1;
  });
}

int meeting(std::string folder, int outer, bool as_generator) {
  Parallel parallel({.n_jobs = -1, .backend = "zeromq"});
  const auto both =
      tasks(2, [&](int task) { return delayed<meets_another>(folder, 2 * outer + task); });
  int met = 0;
  if (as_generator) {
    for (const bool value : parallel.generator(both)) met += value;
  } else {
    for (const bool value : parallel(both)) met += value;
  }
  return met;
}

struct SmallNodes : testing::Test {
  void SetUp() override { cluster.start_scheduler(); }
  std::string new_folder() {
    const std::string folder = cluster.folder() + "/meeting-" + std::to_string(++folders);
    std::filesystem::create_directory(folder);
    return folder;
  }
  LocalCluster cluster;
  int folders = 0;
};

// Their caller's slot is lent, so both of a node's two are theirs: also while other tasks like
// their caller are there to be run. Of those there are no more than may wait: other calls would run
// inline.
TEST_F(SmallNodes, RunTwoNestedTasksAtOnceOnTwoSlots) {
  cluster.start_node("one", 2);
  Parallel parallel(cluster.options());
  for (const int outer : {1, 8}) {
    for (const bool as_generator : {false, true}) {
      const std::string place = new_folder();
      const auto met =
          parallel(tasks(outer, [&](int i) { return delayed<meeting>(place, i, as_generator); }));
      EXPECT_EQ(met, std::vector<int>(static_cast<std::size_t>(outer), 2));
    }
  }
}

int noted_leaves(std::string path, int count) {
  Ledger::note(path, 1);
  const long total = leaves({count, Form::list, "z"});
  Ledger::note(path, -1);
  return static_cast<int>(total);
}

TEST_F(SmallNodes, ParkNoMoreTasksThanTheyMay) {
  cluster.start_node("one", 1,
                     {"--most-parked", "2", "--data-listen", "ipc://" + cluster.folder() + "/d"});
  const Ledger notes(cluster.folder());
  Parallel parallel(cluster.options());
  const auto totals =
      parallel(tasks(60, [&](int) { return delayed<noted_leaves>(notes.path(), 3); }));
  EXPECT_EQ(std::accumulate(totals.begin(), totals.end(), 0), 180);
  std::ifstream file(notes.path());
  int inside = 0, most = 0;
  for (int step = 0; file >> step;) most = std::max(most, inside += step);
  // Those that wait, the one that runs, and one whose wait has just ended.
  EXPECT_LE(most, 2 + 1 + 2);
  EXPECT_GE(most, 2);
}

}  // namespace
}  // namespace paracord::cluster_tests
