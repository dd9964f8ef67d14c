// OpenMP before and inside of tasks. Under OMP_PROC_BIND it binds threads to cores: not all workers
// to one.

#include <omp.h>
#include <sched.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <map>
#include <set>
#include <thread>

#include "paracord/paracord.h"

namespace {

int count_in_parallel() {
  int count = 0;
#pragma omp parallel for reduction(+ : count)
  for (int i = 0; i < 1000; ++i) ++count;
  return count;
}

std::set<int> cpus_of_thread() {
  cpu_set_t cpus;
  sched_getaffinity(0, sizeof cpus, &cpus);
  std::set<int> all;
  for (int cpu = 0; cpu != CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &cpus)) all.insert(cpu);
  }
  return all;
}

struct Seen {
  int pid = 0, counted = 0;
  std::set<int> before, after;  // CPUs of the task's thread, around its use of OpenMP
};

Seen uses_openmp(int) {
  Seen seen;
  seen.pid = getpid();
  seen.before = cpus_of_thread();
  seen.counted = count_in_parallel();
  seen.after = cpus_of_thread();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));  // so that both workers get some
  return seen;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  if (count_in_parallel() != 1000) return 2;
  std::set<int> all;
  for (int place = 0; place < omp_get_num_places(); ++place) {
    std::vector<int> ids(static_cast<std::size_t>(omp_get_place_num_procs(place)));
    omp_get_place_proc_ids(place, ids.data());
    all.insert(ids.begin(), ids.end());
  }
  if (all.empty()) all = cpus_of_thread();
  std::printf("the caller's thread: %zu CPUs, the process: %zu\n", cpus_of_thread().size(),
              all.size());
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  std::map<int, Seen> workers;
  int wrong = 0;
  for (const Seen& seen : parallel(std::views::iota(0, 40) | std::views::transform([](int i) {
                                     return paracord::delayed<uses_openmp>(i);
                                   }))) {
    workers.emplace(seen.pid, seen);
    wrong += seen.counted != 1000;
  }
  std::set<int> together;
  for (const auto& [pid, seen] : workers) {
    std::printf("worker %d: %zu CPUs, %zu after OpenMP\n", pid, seen.before.size(),
                seen.after.size());
    wrong += seen.before != all;
    together.insert(seen.after.begin(), seen.after.end());
  }
  if (workers.size() > 1 && together.size() < std::min(workers.size(), all.size())) ++wrong;
  std::puts(wrong == 0 ? "ok" : "WRONG: workers are bound to too few CPUs");
  return wrong == 0 ? 0 : 1;
}
