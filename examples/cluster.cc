// The same loop on an embedded cluster: a scheduler and a node on this machine. docs/cluster.md
// quotes it.

#include <paracord/paracord.h>

#include <cstdio>
#include <ranges>
#include <vector>

// [cluster]
double square(double x) {
  return x * x;
}

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);  // first line: nodes and workers are this program, too
  paracord::Parallel parallel({.n_jobs = 2, .backend = "zeromq"});
  const std::vector<double> squares =
      parallel(std::views::iota(0, 1000) | std::views::transform([](int i) {
                 return paracord::delayed<square>(static_cast<double>(i));
               }));
  double sum = 0;
  for (const double value : squares) sum += value;
  std::printf("%.0f\n", sum);
}
// [cluster]
