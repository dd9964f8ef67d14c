// What docs/embedding.md promises of the host process: signals, environment, output, threads,
// descriptors.

#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ranges>
#include <string>
#include <vector>

#include "paracord/paracord.h"

extern char** environ;

namespace {

struct Process {
  std::vector<struct sigaction> handlers;
  sigset_t mask{};
  std::vector<std::string> environment;
  int descriptors = 0;
};

int entries(const char* folder) {
  int count = 0;
  DIR* dir = opendir(folder);
  while (readdir(dir) != nullptr) ++count;
  closedir(dir);
  return count;
}

Process look() {
  Process now;
  for (int signal = 1; signal != NSIG; ++signal) {
    struct sigaction action {};
    sigaction(signal, nullptr, &action);
    now.handlers.push_back(action);
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &now.mask);
  for (char** variable = environ; *variable != nullptr; ++variable)
    now.environment.emplace_back(*variable);
  now.descriptors = entries("/proc/self/fd");
  return now;
}

bool check(bool holds, const char* promise) {
  if (!holds) std::fprintf(stdout, "BROKEN: %s\n", promise);
  return holds;
}

bool same(const Process& a, const Process& b) {
  bool right = true;
  for (std::size_t i = 0; i != a.handlers.size(); ++i) {
    right &= check(a.handlers[i].sa_handler == b.handlers[i].sa_handler,
                   "no signal handler is installed");
  }
  right &=
      check(std::memcmp(&a.mask, &b.mask, sizeof a.mask) == 0, "the caller's signal mask stays");
  right &= check(a.environment == b.environment, "the environment stays");
  return right & check(a.descriptors == b.descriptors, "no descriptor is left open");
}

int work(int x) {
  return x + 1;
}

// Bytes that went to stdout and stderr while `action` ran.
template <class Action>
long written(Action action) {
  FILE* file = std::tmpfile();
  const int out = dup(STDOUT_FILENO), err = dup(STDERR_FILENO);
  std::fflush(stdout);
  dup2(fileno(file), STDOUT_FILENO);
  dup2(fileno(file), STDERR_FILENO);
  action();
  std::fflush(stdout);
  dup2(out, STDOUT_FILENO);
  dup2(err, STDERR_FILENO);
  close(out);
  close(err);
  struct stat info {};
  fstat(fileno(file), &info);
  std::fclose(file);
  return info.st_size;
}

}  // namespace

int main() {
  const Process before = look();
  const int threads_before = entries("/proc/self/task");
  paracord::Parallel parallel({.n_jobs = 3});
  bool right = check(entries("/proc/self/task") == threads_before,
                     "no thread is started before the first call");
  int bad = 0;
  const long bytes = written([&] {
    for (int round = 0; round != 50; ++round) {
      const auto results = parallel(std::views::iota(0, 1000) | std::views::transform([](int i) {
                                      return paracord::delayed<work>(i);
                                    }));
      bad += results[999] != 1000;
      try {
        parallel(std::views::iota(0, 10) |
                 std::views::transform([](int) { return paracord::delayed([] { throw 1; }); }));
      } catch (int) {
      }
    }
  });
  right &= check(bad == 0, "results are right");
  right &= check(bytes == 0, "nothing is written to stdout or stderr");
  right &= same(before, look());
  std::puts(right ? "ok" : "BROKEN");
  return right ? 0 : 1;
}
