// Beside OpenMP and oneTBB in one program: inside tasks, and tasks inside theirs.

#include <gtest/gtest.h>
#include <omp.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_reduce.h>

#include <atomic>

#include "paracord/paracord.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

long openmp_sum(int count) {
  long sum = 0;
#pragma omp parallel for reduction(+ : sum) num_threads(2)
  for (int i = 0; i < count; ++i) sum += i;
  return sum;
}

long tbb_sum(int count) {
  return tbb::parallel_reduce(
      tbb::blocked_range<int>(0, count), 0L,
      [](const auto& range, long sum) {
        for (int i = range.begin(); i != range.end(); ++i) sum += i;
        return sum;
      },
      std::plus<>());
}

TEST(Peers, RunInsideTasks) {
  Parallel parallel({.n_jobs = 2});
  for (const long sum : parallel(std::views::iota(0, 40) | std::views::transform([](int) {
                                   return delayed<openmp_sum>(1000);
                                 }))) {
    EXPECT_EQ(sum, 499'500);
  }
  for (const long sum : parallel(std::views::iota(0, 40) | std::views::transform([](int) {
                                   return delayed<tbb_sum>(1000);
                                 }))) {
    EXPECT_EQ(sum, 499'500);
  }
}

TEST(Peers, MayCallParacordFromTheirThreads) {
  std::atomic<int> wrong{0};
#pragma omp parallel for num_threads(3)
  for (int i = 0; i < 30; ++i)
    wrong += Parallel({.n_jobs = 2})(squares(100)) != expected_squares(100);
  tbb::parallel_for(
      0, 30, [&](int) { wrong += Parallel({.n_jobs = 2})(squares(100)) != expected_squares(100); });
  EXPECT_EQ(wrong, 0);
}

}  // namespace
}  // namespace paracord
