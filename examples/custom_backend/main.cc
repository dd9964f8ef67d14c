// A loop on the custom backend, chosen by name; with --check, the conformance suite instead.

#include <paracord/paracord.h>
#include <paracord/testkit/conformance.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <ranges>

#include "throttled.h"

int cube(int x) {
  return x * x * x;
}

int main(int argc, char** argv) {
  const auto make = [] { return std::make_unique<ThrottledBackend>(); };
  if (argc > 1 && std::strcmp(argv[1], "--check") == 0) {
    const auto report = paracord::testkit::check_conformance({"throttled", make});
    std::fputs(report.text().c_str(), stdout);
    return report.passed() ? 0 : 1;
  }
  paracord::register_parallel_backend("throttled", make);
  paracord::Parallel parallel({.n_jobs = 2, .backend = "throttled"});
  const auto cubes = parallel(std::views::iota(0, 10) | std::views::transform([](int i) {
                                return paracord::delayed<cube>(i);
                              }));
  for (const int value : cubes) std::printf("%d ", value);
  std::puts("");
  return cubes.back() == 729 ? 0 : 1;
}
