// A process that is refused threads: calls then run on the threads that there are.

#include <pthread.h>
#include <sys/resource.h>

#include <cstdio>
#include <fstream>
#include <latch>
#include <ranges>
#include <string>

#include "paracord/paracord.h"

namespace {

using paracord::delayed;
using paracord::Parallel;

constexpr std::size_t stack_bytes = std::size_t{1} << 30;

std::size_t address_space_in_use() {
  std::ifstream status("/proc/self/status");
  std::size_t kib = 0;
  for (std::string key; status >> key;) {
    if (key == "VmSize:") status >> kib;
  }
  return kib * 1024;
}

// Leaves room for so many more threads, each with a huge stack, and for some work.
void allow_threads(std::size_t count) {
  const rlim_t most = address_space_in_use() + count * stack_bytes + stack_bytes / 2;
  rlimit limit{};
  getrlimit(RLIMIT_AS, &limit);
  limit.rlim_cur = most;
  setrlimit(RLIMIT_AS, &limit);
}

void use_huge_stacks() {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setstacksize(&attributes, stack_bytes);
  pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

bool thread_starts() {
  pthread_t thread;
  const int failed = pthread_create(
      &thread, nullptr, [](void*) -> void* { return nullptr; }, nullptr);
  if (failed == 0) pthread_join(thread, nullptr);
  return failed == 0;
}

bool check(bool holds, const char* promise) {
  if (!holds) std::printf("BROKEN: %s\n", promise);
  return holds;
}

int twice(int x) {
  return 2 * x;
}

auto tasks(int count) {
  return std::views::iota(0, count) |
         std::views::transform([](int i) { return delayed<twice>(i); });
}

constexpr int count = 2000, expected_sum = count * (count - 1);

int sum(auto&& results) {
  int total = 0;
  for (const int x : results) total += x;
  return total;
}

bool calls_end(int n_jobs) {
  Parallel parallel({.n_jobs = n_jobs, .backend = "threads"});
  bool right = check(sum(parallel(tasks(count))) == expected_sum, "a list is whole");
  right &= check(sum(parallel.generator(tasks(count))) == expected_sum, "a generator is whole");
  right &= check(sum(parallel.generator_unordered(tasks(count))) == expected_sum,
                 "an unordered generator is whole");
  { auto abandoned = parallel.generator(tasks(count)); }
  return right;
}

// Two tasks at once, on the caller's thread and on the only other one; each reads a generator.
bool nested_calls_end(int inner_jobs) {
  std::latch both(2);
  Parallel parallel({.n_jobs = 2});
  const auto sums = parallel(std::views::iota(0, 2) | std::views::transform([&](int) {
                               return delayed([&both, inner_jobs] {
                                 both.arrive_and_wait();
                                 Parallel inner({.n_jobs = inner_jobs, .backend = "threads"});
                                 return sum(inner.generator(tasks(count)));
                               });
                             }));
  return check(sums[0] == expected_sum && sums[1] == expected_sum, "generators in tasks are whole");
}

}  // namespace

int main() {
  std::setvbuf(stdout, nullptr, _IONBF, 0);
  use_huge_stacks();
  allow_threads(0);
  bool right = check(!thread_starts(), "the limit holds");
  for (const int n_jobs : {2, 5, -1}) right &= calls_end(n_jobs);
  // With room for one thread again, the pool takes it.
  allow_threads(1);
  right &= nested_calls_end(2);
  right &= nested_calls_end(-1);
  right &= calls_end(3);
  std::puts(right ? "ok" : "BROKEN");
  return right ? 0 : 1;
}
