// The main job, also behind scripts/demo: means over windows of a large array, the loop run in
// several ways. The cluster is the one that PARACORD_SCHEDULER names, or an embedded one.

#include <paracord/paracord.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <ranges>
#include <span>
#include <utility>
#include <vector>

struct Window {
  std::size_t first, size;
};

double slow_mean(std::span<const double> data, Window window) {
  const auto part = data.subspan(window.first, window.size);
  return std::accumulate(part.begin(), part.end(), 0.0) / static_cast<double>(part.size());
}

// The loop: the same line whatever runs it.
std::vector<double> window_means(std::span<const double> data, const std::vector<Window>& windows,
                                 const paracord::ParallelOptions& options) {
  paracord::Parallel parallel(options);
  return parallel(windows | std::views::transform([&](Window window) {
                    return paracord::delayed<slow_mean>(data, window);
                  }));
}

struct Run {
  std::vector<double> means;
  double seconds;
};

// The median of several runs.
Run timed(std::span<const double> data, const std::vector<Window>& windows,
          const paracord::ParallelOptions& options) {
  std::vector<double> times;
  std::vector<double> means;
  for (int run = 0; run != 7; ++run) {
    const auto start = std::chrono::steady_clock::now();
    means = window_means(data, windows, options);
    times.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::ranges::nth_element(times, times.begin() + 3);
  return {std::move(means), times[3]};
}

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  constexpr std::size_t count = 10'000'000, window_size = 500'000, step = 100'000;
  auto numbers = paracord::Array<double>::uninitialized({count});
  std::iota(numbers.data(), numbers.data() + count, 0.0);
  numbers.freeze();  // worker processes keep sharing it from call to call
  const std::span<const double> data = std::as_const(numbers).as_span();
  std::vector<Window> windows;
  for (std::size_t first = 0; first + window_size <= count; first += step)
    windows.push_back({first, window_size});

  const Run sequential = timed(data, windows, {.n_jobs = 1});
  std::printf("means over %zu windows of %zu doubles\n\n", windows.size(), window_size);
  std::printf("%-12s %6s %12s %9s  %s\n", "backend", "n_jobs", "time", "speed-up", "results");
  std::printf("%-12s %6d %9.2f ms %9.2f  first %.1f, last %.1f\n", "sequential", 1,
              1e3 * sequential.seconds, 1.0, sequential.means.front(), sequential.means.back());

  const int jobs = std::max(2, paracord::cpu_count());
  bool all_same = true;
  for (const char* backend : {"threads", "processes", "zeromq"}) {
    const Run run = timed(data, windows, {.n_jobs = jobs, .backend = backend});
    const bool same = run.means == sequential.means;
    all_same = all_same && same;
    std::printf("%-12s %6d %9.2f ms %9.2f  %s\n", backend, jobs, 1e3 * run.seconds,
                sequential.seconds / run.seconds, same ? "the same" : "DIFFERENT");
  }
  return all_same ? 0 : 1;
}
