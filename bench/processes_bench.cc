// Group `processes`: parallel calls on two worker processes, beside Python's pools and what the
// machine allows. Usage: paracord_processes_bench FILE_OF_PEERS. The program runs itself anew for
// what needs a fresh process: --exit, --cold, --array, --arrays, --vectors.

#include <limits.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ranges>
#include <span>

#include "paracord/bench/limits.h"
#include "paracord/bench/peers.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr int workers = 2;
constexpr int many = 100'000, few = 10'000;
constexpr double us = 1e6, ms = 1e3;
constexpr const char* group = "processes";
constexpr std::size_t array_items = (std::size_t{1} << 30) / sizeof(double);
constexpr int window_spins = 3000;

double trivial(double x) {
  return x;
}
double ends_of(std::span<const double> array) {
  return array.front() + array.back();
}
std::vector<double> make_vector(double value) {
  return std::vector<double>(array_items / 2, value);
}
Array<double> make_array(double value) {
  auto made = Array<double>::uninitialized({array_items / 2});
  std::fill_n(made.data(), made.size(), value);
  return made;
}

volatile double sink;

auto tasks(int count) {
  return std::views::iota(0, count) |
         std::views::transform([](int i) { return delayed<trivial>(i); });
}

ParallelOptions on_processes() {
  return {.n_jobs = workers, .backend = "processes"};
}

std::vector<double> samples(int runs, const std::function<double()>& measure) {
  std::vector<double> values;
  for (int run = 0; run != runs; ++run) values.push_back(measure());
  return values;
}

// --- in a fresh process ---

void run_cold() {
  const double taken = seconds([] { sink = Parallel(on_processes())(tasks(workers))[1]; });
  std::printf("%g\n", taken);
}

double send_array(Parallel& parallel, const std::vector<double>& array) {
  return seconds([&] {
    sink = parallel(std::views::iota(0, workers) | std::views::transform([&](int) {
                      return delayed<ends_of>(std::span<const double>(array));
                    }))[0];
  });
}

// Seconds: a fresh array, the limit, the next array. The limit is measured on both sides, and the
// better one counts: memory that a virtual machine has not used yet is slow.
void run_array() {
  Parallel parallel(on_processes());
  sink = parallel(tasks(workers))[1];
  std::vector<double> array(array_items, 1.0);
  const std::size_t bytes = array.size() * sizeof(double);
  const double limit_before = write_seconds(array.data(), bytes);
  const double fresh = send_array(parallel, array);
  array.assign(array_items, 2.0);
  const double next = send_array(parallel, array);
  const double limit = std::min(
      {limit_before, write_seconds(array.data(), bytes), mapped_copy_seconds(array.data(), bytes)});
  std::printf("%g %g %g\n", fresh, limit, next);
}

// Seconds: the first call, and the median of those that follow.
template <auto make>
void run_results() {
  Parallel parallel(on_processes());
  sink = parallel(tasks(workers))[1];
  const auto call = [&] {
    return seconds([&] {
      const auto results = parallel(std::views::iota(0, workers) |
                                    std::views::transform([](int i) { return delayed<make>(i); }));
      sink = std::as_const(results[1]).data()[0];
    });
  };
  const double first = call();
  std::printf("%g %g\n", first, median(samples(3, call)));
}

// The numbers that this program prints when it is run with `argument`.
std::vector<double> fresh_run(const std::string& argument) {
  char program[PATH_MAX] = {};
  if (readlink("/proc/self/exe", program, sizeof program - 1) <= 0) std::exit(1);
  std::FILE* out = popen(("'" + std::string(program) + "' " + argument).c_str(), "r");
  std::vector<double> numbers;
  for (double number = 0; std::fscanf(out, "%lf", &number) == 1;) numbers.push_back(number);
  if (pclose(out) != 0 || numbers.empty()) {
    std::fprintf(stderr, "paracord_processes_bench %s failed\n", argument.c_str());
    std::exit(1);
  }
  return numbers;
}

// The median of each number that fresh processes print.
std::vector<double> fresh_runs(const std::string& argument, int runs) {
  std::vector<std::vector<double>> columns;
  for (int run = 0; run != runs; ++run) {
    const std::vector<double> numbers = fresh_run(argument);
    columns.resize(numbers.size());
    for (std::size_t i = 0; i != numbers.size(); ++i) columns[i].push_back(numbers[i]);
  }
  std::vector<double> medians;
  for (const auto& column : columns) medians.push_back(median(column));
  return medians;
}

// --- rows ---

void rows_of_many_tasks(const Peers& peers, const std::string& joblib) {
  Parallel parallel(on_processes());
  const auto call = [&] { sink = parallel(tasks(many))[many / 2]; };
  call(), call();
  const double ours = median(samples(9, [&] { return seconds(call); })) / many * us;
  CaseRows rows(peers, group, "10⁵ trivial tasks, automatic batches", "µs/task", Better::lower);
  rows.bound(ours, 0.12);
  rows.beside_file(ours, "loky auto us", joblib + " loky", 1.0);
  rows.beside_file(ours, "multiprocessing auto us", joblib + " multiprocessing", 1.0);
  rows.beside_file(ours, "Pool auto us", "multiprocessing.Pool.map", 1.0);
}

void rows_of_single_tasks(const Peers& peers, const std::string& joblib) {
  ParallelOptions options = on_processes();
  options.batch_size = 1;
  Parallel parallel(options);
  SocketFarm farm(workers);
  const auto call = [&] { sink = parallel(tasks(few))[few / 2]; };
  const Pair sockets = in_turn(call, [&] { farm.run(few); });
  Echo echo(window_spins);
  const Pair ring = in_turn(call, [&] {
    for (int i = 0; i != few; ++i) echo.round_trip();
  });
  const double ours = sockets.ours / few * us;
  CaseRows rows(peers, group, "10⁴ trivial tasks, batch_size = 1", "µs/task", Better::lower);
  rows.bound(ours, 2.0);
  rows.beside_file(ours, "loky single us", joblib + " loky", 1.0);
  rows.beside_file(ours, "multiprocessing single us", joblib + " multiprocessing", 1.0);
  rows.beside_file(ours, "Pool single us", "multiprocessing.Pool.map, chunksize = 1", 1.0);
  rows.beside_file(ours, "Open MPI single us", "Open MPI, window 1", 1.0);
  rows.beside(ours, "unix sockets, window 1", sockets.peer / few * us, 1.0);
  rows.beside(ring.ours / few * us, "shared ring to one process, window 1", ring.peer / few * us,
              20.0);
}

void rows_of_warm_call(const Peers& peers, const std::string& joblib) {
  constexpr int calls = 200;
  Parallel parallel(on_processes());
  Echo echo(0);
  const Pair pair = in_turn(
      [&] {
        for (int i = 0; i != calls; ++i) sink = parallel(tasks(workers))[1];
      },
      [&] {
        for (int i = 0; i != calls; ++i) echo.round_trip();
      },
      15);
  const double ours = pair.ours / calls * us;
  CaseRows rows(peers, group, "warm call of 2 tasks", "µs", Better::lower);
  rows.beside(ours, "futex wake round trip", pair.peer / calls * us, 1.5);
  rows.beside_file(ours, "loky warm us", joblib + " loky", 1.0);
  rows.beside_file(ours, "multiprocessing warm us", joblib + " multiprocessing", 1.0);
  rows.beside_file(ours, "Pool warm us", "multiprocessing.Pool.map", 1.0);
}

// Calls that are far apart find everybody asleep.
void row_of_sleepy_call(const Peers& peers) {
  constexpr useconds_t pause_us = 2000;
  Parallel parallel(on_processes());
  Echo echo(0);
  std::vector<double> ours, limit;
  for (int run = 0; run != 200; ++run) {
    usleep(pause_us);
    ours.push_back(seconds([&] { sink = parallel(tasks(workers))[1]; }) * us);
    usleep(pause_us);
    limit.push_back(seconds([&] { echo.round_trip(); }) * us);
  }
  CaseRows rows(peers, group, "warm call of 2 tasks after 2 ms of silence", "µs", Better::lower);
  rows.beside(median(ours), "futex wake round trip", median(limit), 1.5);
}

void rows_of_cold_start(const Peers& peers, const std::string& joblib) {
  std::vector<double> ours, spawn;
  for (int run = 0; run != 15; ++run) {
    ours.push_back(fresh_run("--cold")[0] * ms);
    spawn.push_back(spawn_seconds("--exit") * ms);
  }
  CaseRows rows(peers, group, "cold start to the first results of 2 workers", "ms", Better::lower);
  rows.beside(median(ours), "posix_spawn to main", median(spawn), 3.0);
  rows.beside_file(median(ours), "loky cold ms", joblib + " loky", 1.0);
  rows.beside_file(median(ours), "ProcessPoolExecutor cold ms", "ProcessPoolExecutor, fork", 1.0);
}

void rows_of_arrays(const Peers& peers, const std::string& joblib) {
  const std::vector<double> taken = fresh_runs("--array", 5);
  const double fresh = 1 / taken[0], limit = 1 / taken[1], next = 1 / taken[2];
  CaseRows first(peers, group, "fresh array of 1 GiB to 2 workers", "GiB/s", Better::higher);
  first.beside(fresh, "better of write() and mapped copy to a new file", limit, 0.9);
  first.beside_file(fresh, "loky fresh array GiB/s", joblib + " loky", 1.0);
  CaseRows again(peers, group, "the next array of 1 GiB", "GiB/s", Better::higher);
  again.bound(next, 8.0);
  again.beside_file(next, "loky next array GiB/s", joblib + " loky", 1.0);
}

void rows_of_results(const Peers& peers, const std::string& joblib) {
  const auto rows = [&](const char* argument, const std::string& type, double goal_first,
                        double goal_again) {
    const std::vector<double> taken = fresh_runs(argument, 3);
    const std::string name = "2 results of 512 MiB, " + type;
    CaseRows first(peers, group, name + ", first call", "GiB/s", Better::higher);
    first.beside_file(1 / taken[0], "loky first results GiB/s", joblib + " loky", goal_first);
    CaseRows again(peers, group, name + ", again", "GiB/s", Better::higher);
    again.beside_file(1 / taken[1], "loky next results GiB/s", joblib + " loky", goal_again);
  };
  rows("--arrays", "Array", 5.0, 20.0);
  rows("--vectors", "std::vector", 1.0, 1.0);
}

bool run_as_part(const std::string& argument) {
  if (argument == "--cold") return run_cold(), true;
  if (argument == "--array") return run_array(), true;
  if (argument == "--arrays") return run_results<make_array>(), true;
  if (argument == "--vectors") return run_results<make_vector>(), true;
  return false;
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  using namespace paracord::bench;
  if (argc == 2 && std::strcmp(argv[1], "--exit") == 0) return 0;
  paracord::initialize(argc, argv);
  const std::string argument = argc > 1 ? argv[1] : "";
  if (run_as_part(argument)) return 0;
  const Peers peers(argument);
  const std::string joblib = "joblib " + peers.text("joblib");
  rows_of_many_tasks(peers, joblib);
  rows_of_single_tasks(peers, joblib);
  rows_of_warm_call(peers, joblib);
  row_of_sleepy_call(peers);
  rows_of_cold_start(peers, joblib);
  rows_of_arrays(peers, joblib);
  rows_of_results(peers, joblib);
}
