// Group `threads`: the parallel loop on two threads, beside oneTBB, OpenMP and plain threads.

#include <omp.h>
#include <tbb/global_control.h>
#include <tbb/parallel_for.h>
#include <tbb/parallel_for_each.h>
#include <tbb/parallel_pipeline.h>
#include <tbb/task_arena.h>
#include <tbb/task_group.h>
#include <time.h>

#include <cmath>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <numeric>
#include <random>
#include <ranges>
#include <thread>

#include "paracord/bench/harness.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr int workers = 2;
constexpr int tasks = 1'000'000;
constexpr double ns = 1e9, us = 1e6;
constexpr const char* group = "threads";

// The two tasks of the table: empty, and about ten nanoseconds. Called, not inlined, as a user's
// function is.
[[gnu::noinline]] double empty_task(double x) {
  asm volatile("" : "+x"(x));
  return x;
}
[[gnu::noinline]] double small_task(double x) {
  for (int i = 0; i < 8; ++i) x = x * 1.0000001 + 1e-9;
  return x;
}

// A single-pass range of 0, 1, …: its iterator can only go on.
struct OnePass {
  struct iterator {
    using value_type = int;
    using reference = int;
    using pointer = const int*;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    int value = 0;
    int operator*() const { return value; }
    iterator& operator++() {
      ++value;
      return *this;
    }
    void operator++(int) { ++value; }
    bool operator==(const iterator& other) const { return value == other.value; }
  };
  iterator begin() const { return {0}; }
  iterator end() const { return {tasks}; }
};

template <double (*F)(double)>
auto one_pass() {
  return OnePass{} | std::views::transform([](int i) { return delayed<F>(i); });
}
template <double (*F)(double)>
auto random_access() {
  return std::views::iota(0, tasks) | std::views::transform([](int i) { return delayed<F>(i); });
}

volatile double sink;

template <double (*F)(double)>
void tbb_for_each() {
  std::vector<double> out(tasks);
  const OnePass input;
  tbb::parallel_for_each(input.begin(), input.end(), [&](int i) { out[i] = F(i); });
  sink = out[tasks / 2];
}

template <double (*F)(double)>
void tbb_task_group() {
  std::vector<double> out(tasks);
  tbb::task_group tasks_of_call;
  for (int i = 0; i < tasks; ++i) tasks_of_call.run([&out, i] { out[i] = F(i); });
  tasks_of_call.wait();
  sink = out[tasks / 2];
}

template <double (*F)(double)>
void tbb_parallel_for() {
  std::vector<double> out(tasks);
  tbb::parallel_for(0, tasks, [&](int i) { out[i] = F(i); });
  sink = out[tasks / 2];
}

template <double (*F)(double)>
void openmp_tasks() {
  std::vector<double> out(tasks);
#pragma omp parallel num_threads(workers)
#pragma omp single
  for (int i = 0; i < tasks; ++i) {
#pragma omp task firstprivate(i) shared(out)
    out[i] = F(i);
  }
  sink = out[tasks / 2];
}

template <double (*F)(double)>
void tbb_pipeline() {
  double sum = 0;
  int next = 0;
  tbb::parallel_pipeline(16, tbb::make_filter<void, int>(tbb::filter_mode::serial_in_order,
                                                         [&](tbb::flow_control& control) {
                                                           if (next == tasks) {
                                                             control.stop();
                                                             return 0;
                                                           }
                                                           return next++;
                                                         }) &
                                 tbb::make_filter<int, double>(tbb::filter_mode::parallel,
                                                               [](int i) { return F(i); }) &
                                 tbb::make_filter<double, void>(tbb::filter_mode::serial_in_order,
                                                                [&](double x) { sum += x; }));
  sink = sum;
}

// A pool as textbooks have it, with a future for each task: what task libraries with futures do at
// best.
class FuturePool {
 public:
  explicit FuturePool(int count) {
    for (int i = 0; i < count; ++i) threads_.emplace_back([this] { work(); });
  }
  ~FuturePool() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
  }
  template <class F>
  std::future<double> submit(F function) {
    std::packaged_task<double()> task(std::move(function));
    std::future<double> future = task.get_future();
    {
      const std::lock_guard lock(mutex_);
      queue_.push_back(std::move(task));
    }
    changed_.notify_one();
    return future;
  }

 private:
  void work() {
    while (true) {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return stop_ || !queue_.empty(); });
      if (queue_.empty()) return;
      std::packaged_task<double()> task = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      task();
    }
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::packaged_task<double()>> queue_;
  bool stop_ = false;
  std::vector<std::jthread> threads_;
};

template <double (*F)(double)>
void futures(FuturePool& pool) {
  std::vector<std::future<double>> results;
  results.reserve(tasks);
  for (int i = 0; i < tasks; ++i) results.push_back(pool.submit([i] { return F(i); }));
  double sum = 0;
  for (auto& result : results) sum += result.get();
  sink = sum;
}

template <double (*F)(double)>
void rows_of_tasks(const std::string& kind) {
  Parallel automatic({.n_jobs = workers});
  Parallel single({.n_jobs = workers, .batch_size = 1});
  const auto vector = [&] { sink = automatic(one_pass<F>())[tasks / 2]; };
  const auto one_by_one = [&] { sink = single(one_pass<F>())[tasks / 2]; };

  cost_row(group,
           "single pass, ordered vector, " + kind + " | oneTBB parallel_for_each, input iterator",
           in_turn(vector, tbb_for_each<F>), tasks, ns, "ns/task", 0.5);
  cost_row(group, "single pass, ordered vector, " + kind + " | oneTBB task_group::run",
           in_turn(vector, tbb_task_group<F>), tasks, ns, "ns/task", 0.25);
  cost_row(group, "concurrent_range, " + kind + " | oneTBB parallel_for auto, fresh vector",
           in_turn([&] { sink = automatic(concurrent_range(random_access<F>()))[tasks / 2]; },
                   tbb_parallel_for<F>, 15),
           tasks, ns, "ns/task", 1.5);
  cost_row(group, "batch_size = 1, " + kind + " | OpenMP task",
           in_turn(one_by_one, openmp_tasks<F>, 5), tasks, ns, "ns/task", 1.0);
  cost_row(group, "batch_size = 1, " + kind + " | oneTBB task_group::run",
           in_turn(one_by_one, tbb_task_group<F>), tasks, ns, "ns/task", 1.0);
  FuturePool pool(workers);
  cost_row(group, "batch_size = 1, " + kind + " | textbook pool, future per task",
           in_turn(
               one_by_one, [&] { futures<F>(pool); }, 3),
           tasks, ns, "ns/task", 0.1);
  cost_row(group, "generator in order, " + kind + " | oneTBB parallel_pipeline",
           in_turn(
               [&] {
                 double sum = 0;
                 for (const double x : automatic.generator(one_pass<F>())) sum += x;
                 sink = sum;
               },
               tbb_pipeline<F>),
           tasks, ns, "ns/task", 0.5);
}

void row_of_warm_call() {
  constexpr int calls = 20'000;
  Parallel parallel({.n_jobs = workers});
  const auto two =
      std::views::iota(0, 2) | std::views::transform([](int i) { return delayed<empty_task>(i); });
  cost_row(group, "warm call of 2 tasks | OpenMP parallel for",
           in_turn(
               [&] {
                 for (int i = 0; i < calls; ++i) sink = parallel(two)[1];
               },
               [&] {
                 double out[2];
                 for (int i = 0; i < calls; ++i) {
#pragma omp parallel for num_threads(workers) schedule(static)
                   for (int k = 0; k < 2; ++k) out[k] = empty_task(k);
                   sink = out[1];
                 }
               }),
           calls, us, "µs/call", 2.0);
}

double process_cpu_us() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) * us + static_cast<double>(used.tv_nsec) * 1e-3;
}

double cpu_us_of(const std::function<void()>& work) {
  const double before = process_cpu_us();
  work();
  return process_cpu_us() - before;
}

// The CPU that waiting threads use: two tasks, of which one sleeps, so that everybody waits. The
// peer does the same with two threads and a condition variable, which is what the kernel's own work
// costs.
void row_of_waiting() {
  constexpr auto nap = std::chrono::milliseconds(100);
  Parallel parallel({.n_jobs = workers});
  const auto ours = [&] {
    (void)parallel(std::views::iota(0, 2) | std::views::transform([&](int i) {
                     return delayed(
                         [](int which, std::chrono::milliseconds time) {
                           if (which == 1) std::this_thread::sleep_for(time);
                           return which;
                         },
                         i, nap);
                   }));
  };
  FuturePool pool(workers);
  const auto peer = [&] {
    auto first = pool.submit([] { return 0.0; });
    auto second = pool.submit([&] {
      std::this_thread::sleep_for(nap);
      return 1.0;
    });
    sink = first.get() + second.get();
  };
  std::vector<double> extra;
  ours(), peer();
  for (int run = 0; run != 15; ++run) extra.push_back(cpu_us_of(ours) - cpu_us_of(peer));
  // Caller and pool thread may each spin once: 50 µs for either is the bound.
  print_row(group, "CPU of spinning while caller and pool wait | 2 × 50 µs", median(extra), 100,
            median(extra) / 100, "µs", Better::lower, 1.0);
}

void burn(std::chrono::nanoseconds time) {
  const auto end = std::chrono::steady_clock::now() + time;
  while (std::chrono::steady_clock::now() < end) {
  }
}

void row_of_uneven_tasks() {
  std::vector<int> costs_us;
  for (int i = 0; i < 4000; ++i) costs_us.push_back(i % 10 == 0 ? 1000 : 1);
  std::shuffle(costs_us.begin(), costs_us.end(), std::mt19937(7));
  const auto input = costs_us | std::views::transform([](int cost) {
                       return delayed([](int c) { burn(std::chrono::microseconds(c)); }, cost);
                     });
  Parallel parallel({.n_jobs = workers});
  const Pair pair = in_turn([&] { parallel(input); },
                            [&] {
                              for (const int cost : costs_us) burn(std::chrono::microseconds(cost));
                            },
                            5);
  print_row(group, "4000 tasks costing 1:1000, shuffled: speed-up | ideal", 1 / pair.ratio, workers,
            1 / pair.ratio / workers, "times", Better::higher, 0.97);
}

double mean_of(std::span<const double> data, std::size_t first) {
  const auto window = data.subspan(first, 500'000);
  return std::accumulate(window.begin(), window.end(), 0.0) / static_cast<double>(window.size());
}

void row_of_slow_mean() {
  std::vector<double> data(10'000'000);
  std::iota(data.begin(), data.end(), 0.0);
  constexpr std::size_t windows = 95, step = 100'000;
  Parallel parallel({.n_jobs = workers});
  const Pair pair = in_turn(
      [&] {
        sink = parallel(std::views::iota(std::size_t{0}, windows) |
                        std::views::transform(
                            [&](std::size_t i) { return delayed<mean_of>(data, i * step); }))[0];
      },
      [&] {
        std::vector<double> out(windows);
        const auto half = [&](std::size_t from) {
          for (std::size_t i = from; i < windows; i += 2) out[i] = mean_of(data, i * step);
        };
        std::thread other(half, 1);
        half(0);
        other.join();
        sink = out[0];
      },
      21);
  cost_row(group, "slow mean, 2 threads | two plain threads", pair, 1, 1e3, "ms", 1.03);
}

}  // namespace
}  // namespace paracord::bench

int main() {
  using namespace paracord::bench;
  const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, workers);
  rows_of_tasks<empty_task>("empty");
  rows_of_tasks<small_task>("≈10 ns");
  row_of_warm_call();
  row_of_waiting();
  row_of_uneven_tasks();
  row_of_slow_mean();
}
