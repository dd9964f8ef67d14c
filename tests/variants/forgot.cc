// A program without paracord::initialize.

#include <cstdio>
#include <exception>

#include "paracord/paracord.h"

static int twice(int x) {
  return 2 * x;
}

int main() {
  std::puts("main begins");
  std::fflush(stdout);
  try {
    paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
    (void)parallel(std::views::iota(0, 100) |
                   std::views::transform([](int i) { return paracord::delayed<twice>(i); }));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
