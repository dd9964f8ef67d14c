// The loop in worker processes. The README quotes it.

#include <paracord/paracord.h>

#include <cstdio>
#include <numeric>
#include <ranges>
#include <span>
#include <vector>

// [processes]
double mean(std::span<const double> data) {
  return std::accumulate(data.begin(), data.end(), 0.0) / static_cast<double>(data.size());
}

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);  // first line: a worker process goes no further

  const std::vector<double> data(1'000'000, 1.5);  // mapped by the workers, read-only
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const std::vector<double> means =
      parallel(std::views::iota(0, 10) | std::views::transform([&](int i) {
                 const auto part = static_cast<std::size_t>(i) * 100'000;
                 return paracord::delayed<mean>(std::span(data).subspan(part, 100'000));
               }));
  std::printf("%zu means, the first is %.1f\n", means.size(), means.front());
}
// [processes]
