// A host whose timer interrupts the calling thread a thousand times a second.

#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <cstdio>
#include <vector>

#include "paracord/paracord.h"

namespace {

std::atomic<int> signals{0};

void start_timer() {
  struct sigaction action {};
  action.sa_handler = [](int) { ++signals; };
  sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART
  const itimerval each{{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &each, nullptr);
}

std::vector<double> append(std::vector<double> values, int last) {
  values.push_back(last);
  return values;
}

bool is_right(const char* backend, std::size_t size) {
  const std::vector<double> values(size, 1.5);
  paracord::Parallel parallel({.n_jobs = 2, .backend = backend});
  const auto tasks = std::views::iota(0, 40) | std::views::transform([&](int i) {
                       return paracord::delayed<append>(values, i);
                     });
  int next = 0;
  for (const auto& result : parallel(tasks))
    if (result.size() != size + 1 || result.back() != next++) return false;
  next = 0;
  for (const auto& result : parallel.generator(tasks))
    if (result.size() != size + 1 || result.back() != next++) return false;
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  start_timer();
  try {
    for (const char* backend : {"threads", "processes", "zeromq"}) {
      for (const std::size_t size : {10, 200'000}) {
        for (int round = 0; round != 3; ++round) {
          if (is_right(backend, size)) continue;
          std::printf("BROKEN: wrong results on %s\n", backend);
          return 1;
        }
      }
    }
  } catch (const std::exception& error) {
    std::printf("BROKEN: %s\n", error.what());
    return 1;
  }
  return signals > 10 ? 0 : 1;
}
