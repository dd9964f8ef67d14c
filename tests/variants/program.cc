// Runs functions of several kinds in worker processes and checks what they answer. Its arguments
// name circumstances in which it does so:
//
//   threads=N  jobs=N  chdir=FOLDER  ignore-sigchld  block-signals  prints  arrays
//   pauses     says "ready" and waits for a line before its first call
//   times      says how long the first call took

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <set>
#include <string>
#include <thread>

#include "paracord/paracord.h"
#include "paracord/tests/variants/cases.h"

namespace paracord::variants {
namespace {

struct Circumstances {
  int threads = 1, jobs = 2;
  bool prints = false, times = false, arrays = false;
};

void pause() {
  std::puts("ready");
  std::fflush(stdout);
  char line[16];
  (void)!read(STDIN_FILENO, line, sizeof line);
}

void block_signals() {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
}

Circumstances circumstances(int argc, char** argv) {
  Circumstances wanted;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const std::string value = word.substr(std::min(word.size(), word.find('=') + 1));
    if (word.starts_with("threads=")) wanted.threads = std::stoi(value);
    if (word.starts_with("jobs=")) wanted.jobs = std::stoi(value);
    if (word.starts_with("chdir=") && chdir(value.c_str()) != 0) std::perror("chdir");
    if (word == "ignore-sigchld") signal(SIGCHLD, SIG_IGN);
    if (word == "block-signals") block_signals();
    if (word == "pauses") pause();
    wanted.prints |= word == "prints";
    wanted.times |= word == "times";
    wanted.arrays |= word == "arrays";
  }
  return wanted;
}

Answer prints(int x) {
  std::printf("a task's line %d\n", x);
  std::fprintf(stderr, "a task's complaint %d\n", x);
  return {x, getpid()};
}

std::vector<Case> cases(bool with_output) {
  std::vector<Case> all;
  for (int x = 0; x != 20; ++x) {
    for (Case& one : first_cases(x)) all.push_back(std::move(one));
    for (Case& one : second_cases(x)) all.push_back(std::move(one));
    if (with_output) all.push_back({"prints", delayed<prints>(x), x});
  }
  return all;
}

// Says what was wrong on stderr; returns how much.
int one_call(const Circumstances& wanted) {
  std::vector<Case> all = cases(wanted.prints);
  Parallel parallel({.n_jobs = wanted.jobs, .backend = "processes"});
  const std::vector<Answer> answers =
      parallel(all | std::views::transform([](Case& one) { return one.task; }));
  int wrong = 0;
  std::set<int> pids;
  for (std::size_t i = 0; i != all.size(); ++i) {
    pids.insert(answers[i].pid);
    if (answers[i].value == all[i].expected) continue;
    ++wrong;
    std::fprintf(stderr, "WRONG: %s gave %d, not %d\n", all[i].function, answers[i].value,
                 all[i].expected);
  }
  if (pids.contains(getpid()) || pids.empty()) {
    ++wrong;
    std::fprintf(stderr, "WRONG: tasks ran in the caller's process\n");
  }
  return wrong;
}

Answer last(std::span<const double> data) {
  return {static_cast<int>(data.back()), getpid()};
}

// With an argument that goes to shared memory.
int call_with_array(const Circumstances& wanted) {
  std::vector<double> data(500'000, 7.0);
  Parallel parallel({.n_jobs = wanted.jobs, .backend = "processes"});
  int wrong = 0;
  for (const Answer& answer : parallel(std::views::iota(0, 4) | std::views::transform([&](int) {
                                         return delayed<last>(std::span<const double>(data));
                                       })))
    wrong += answer.value != 7 || answer.pid == getpid();
  if (wrong != 0) std::fprintf(stderr, "WRONG: arrays\n");
  return wrong;
}

// Which of the three standard descriptors are open.
std::array<bool, 3> standard_descriptors() {
  std::array<bool, 3> open{};
  for (int fd = 0; fd != 3; ++fd) open[static_cast<std::size_t>(fd)] = fcntl(fd, F_GETFD) >= 0;
  return open;
}

int run(const Circumstances& wanted) {
  std::atomic<int> wrong{0};
  const std::array<bool, 3> open_before = standard_descriptors();
  const auto call = [&] {
    try {
      for (int round = 0; round != 2; ++round) wrong += one_call(wanted);
      if (wanted.arrays) wrong += call_with_array(wanted);
    } catch (const std::exception& error) {
      ++wrong;
      std::fprintf(stderr, "WRONG: %s\n", error.what());
    }
  };
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> others;
  for (int i = 1; i < wanted.threads; ++i) others.emplace_back(call);
  call();
  for (std::thread& other : others) other.join();
  // What the program prints would go to a file of the library's.
  if (standard_descriptors() != open_before) {
    ++wrong;
    std::fprintf(stderr, "WRONG: a closed standard descriptor is open\n");
  }
  if (wanted.times) {
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    std::printf("the first calls took %.3f s\n", took.count());
  }
  return wrong;
}

}  // namespace
}  // namespace paracord::variants

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  const int wrong = paracord::variants::run(paracord::variants::circumstances(argc, argv));
  std::puts(wrong == 0 ? "ok" : "WRONG: see stderr");
  return wrong == 0 ? 0 : 1;
}
