// The public headers in a file that is compiled with -fno-exceptions.

#include <cstdio>
#include <ranges>

#include "paracord/paracord.h"

static int twice(int x) {
  return 2 * x;
}

int main() {
  paracord::Parallel parallel({.n_jobs = 2});
  const auto tasks = std::views::iota(0, 1000) |
                     std::views::transform([](int i) { return paracord::delayed<twice>(i); });
  int sum = 0;
  for (const int x : parallel(tasks)) sum += x;
  for (const int x : parallel.generator(tasks)) sum += x;
  for (const auto& outcome : parallel.outcomes(tasks)) sum += outcome.value();
  std::printf("%d\n", sum);
  return sum == 3 * 999'000 ? 0 : 1;
}
