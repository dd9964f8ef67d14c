// The steps of docs/tutorial.md: one loop, from a plain one to worker processes and a cluster.

#include <paracord/paracord.h>

#include <cmath>
#include <cstdio>
#include <random>
#include <ranges>
#include <stdexcept>
#include <vector>

// [task]
// The share of a million random points in a square that lie in the circle.
double sample(unsigned seed) {
  std::mt19937_64 random(seed);
  std::uniform_real_distribution<double> side(0, 1);
  int inside = 0;
  for (int i = 0; i != 1'000'000; ++i) inside += std::hypot(side(random), side(random)) < 1;
  return inside / 1e6;
}
// [task]

// [loop]
double pi_in_a_loop(unsigned tasks) {
  double sum = 0;
  for (unsigned seed = 0; seed != tasks; ++seed) sum += sample(seed);
  return 4 * sum / tasks;
}
// [loop]

// [threads]
double pi(unsigned tasks, const paracord::ParallelOptions& options) {
  paracord::Parallel parallel(options);
  const std::vector<double> shares =
      parallel(std::views::iota(0u, tasks) | std::views::transform([](unsigned seed) {
                 return paracord::delayed<sample>(seed);
               }));
  double sum = 0;
  for (const double share : shares) sum += share;
  return 4 * sum / tasks;
}
// [threads]

// [failure]
double careful_sample(unsigned seed) {
  if (seed == 13) throw std::domain_error("this machine does not like 13");
  return sample(seed);
}

int count_failures(unsigned tasks) {
  int failures = 0;
  paracord::Parallel parallel({.n_jobs = -1, .backend = "processes"});
  for (const auto& outcome :
       parallel.outcomes(std::views::iota(0u, tasks) | std::views::transform([](unsigned seed) {
                           return paracord::delayed<careful_sample>(seed);
                         }))) {
    if (!outcome) ++failures;
  }
  return failures;
}
// [failure]

// [main]
int main(int argc, char** argv) {
  paracord::initialize(argc, argv);  // first line: a worker process goes no further

  constexpr unsigned tasks = 20;
  const double expected = pi_in_a_loop(tasks);
  for (const char* backend : {"threads", "processes", "zeromq"}) {
    const double found = pi(tasks, {.n_jobs = -1, .backend = backend});
    std::printf("%-10s %.6f\n", backend, found);
    if (found != expected) return 1;
  }
  return count_failures(tasks) == 1 ? 0 : 1;
}
// [main]
