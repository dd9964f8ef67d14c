// Results one by one in place of a list: the memory that each way takes. joblib's gallery has this
// example as "Returning a generator in joblib.Parallel".
//
// Usage: generator_memory [--quick] [PLOT.svg]

#include <paracord/paracord.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <functional>
#include <numeric>
#include <ranges>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "memory_monitor.h"
#include "process_tree.h"
#include "svg_plot.h"

namespace {

constexpr int n_jobs = 2;
constexpr std::size_t columns = 200;
constexpr double bytes_per_mb = 1e6;

struct Setup {
  int tasks;
  std::size_t rows;         // of each result
  double seconds_per_task;  // asleep, in place of work
};
constexpr Setup full = {.tasks = 150, .rows = 10'000, .seconds_per_task = 0.1};
constexpr Setup quick = {.tasks = 12, .rows = 1'000, .seconds_per_task = 0.01};

struct Arguments {
  Setup setup = full;
  std::string plot = "generator_memory.svg";
};

struct Run {
  double seconds;
  double answer;
  std::vector<MemorySample> memory;
};

// Made in a worker, the array lies in shared memory from the start: the caller gets it uncopied.
paracord::Array<double> big_result(int index, Setup setup) {
  std::this_thread::sleep_for(paracord::Seconds(setup.seconds_per_task));
  auto result = paracord::Array<double>::uninitialized({setup.rows, columns});
  std::ranges::fill(result.as_span(), index);
  return result;
}

// The tasks: the same ones for the list and for the generator.
auto tasks(const Setup& setup) {
  return std::views::iota(0, setup.tasks) | std::views::transform([setup](int index) {
           return paracord::delayed<big_result>(index, setup);
         });
}

// Over a list, or over results as they come.
double sum_of(auto&& results) {
  double sum = 0;
  for (const paracord::Array<double>& result : results) {
    const auto elements = result.as_span();
    sum = std::reduce(elements.begin(), elements.end(), sum);
  }
  return sum;
}

Run measured(std::size_t base, const std::function<double()>& reduce) {
  MemoryMonitor monitor(base);
  const auto start = std::chrono::steady_clock::now();
  const double answer = reduce();
  const paracord::Seconds taken = std::chrono::steady_clock::now() - start;
  return {taken.count(), answer, monitor.stop()};
}

int no_work(int index) {
  return index;
}

// The workers' own memory is not what is compared. They stay for the calls that follow.
void start_workers() {
  paracord::Parallel parallel({.n_jobs = n_jobs, .backend = "processes"});
  parallel(std::views::iota(0, 2 * n_jobs) |
           std::views::transform([](int i) { return paracord::delayed<no_work>(i); }));
}

Curve curve_of(std::string name, std::string colour, const Run& run) {
  Curve curve{std::move(name), std::move(colour), {}};
  for (const auto& [seconds, bytes] : run.memory)
    curve.points.push_back({seconds, bytes / bytes_per_mb});
  return curve;
}

void print(const char* name, const Run& run) {
  std::printf("%-10s %8.2f s %10.1f MB   sum %.0f\n", name, run.seconds,
              peak_bytes(run.memory) / bytes_per_mb, run.answer);
}

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  bool plot_named = false;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    if (word == "--quick") {
      arguments.setup = quick;
    } else if (word.starts_with('-') || plot_named) {
      throw std::invalid_argument("what is " + std::string(word) +
                                  "? usage: generator_memory [--quick] [PLOT.svg]");
    } else {
      arguments.plot = word;
      plot_named = true;
    }
  }
  return arguments;
}

int run(const Arguments& arguments) {
  const Setup& setup = arguments.setup;
  start_workers();
  paracord::Parallel parallel({.n_jobs = n_jobs, .backend = "processes"});
  const std::size_t base = process_tree_bytes();
  // The generator first: workers keep memory for later results, and the list would leave it a lot.
  const Run generator = measured(base, [&] { return sum_of(parallel.generator(tasks(setup))); });
  const Run list = measured(base, [&] { return sum_of(parallel(tasks(setup))); });

  std::printf("%d results of %.1f MB each, %d workers; memory above the start, all processes\n\n",
              setup.tasks,
              static_cast<double>(setup.rows * columns * sizeof(double)) / bytes_per_mb, n_jobs);
  print("list", list);
  print("generator", generator);
  write_svg({"Memory of the whole process tree",
             "seconds",
             "MB above the start",
             {curve_of("list", "crimson", list), curve_of("generator", "steelblue", generator)}},
            arguments.plot);
  std::printf("\nplot: %s\n", arguments.plot.c_str());
  if (list.answer == generator.answer) return 0;
  std::puts("the answers DIFFER");
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  try {
    return run(parse(argc, argv));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "generator_memory: %s\n", error.what());
    return 1;
  }
}
