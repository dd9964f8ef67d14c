// Rules of what is left behind.

#include <dirent.h>

#include <fstream>
#include <ranges>
#include <thread>

#include "paracord/core/parallel.h"
#include "paracord/testkit/rules.h"

namespace paracord::testkit {

namespace {

struct Usage {
  int threads = 0;
  int descriptors = 0;
  long resident_kib = 0;
};

int entries_of(const char* folder) {
  int count = 0;
  if (DIR* dir = opendir(folder)) {
    while (readdir(dir) != nullptr) ++count;
    closedir(dir);
  }
  return count;
}

Usage usage_now() {
  Usage usage{entries_of("/proc/self/task"), entries_of("/proc/self/fd"), 0};
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    if (key == "VmRSS:") status >> usage.resident_kib;
  }
  return usage;
}

int plus_one(int i) {
  return i + 1;
}

void one_call(const Subject& subject) {
  ParallelOptions options;
  options.n_jobs = subject.n_jobs;
  options.backend = subject.name;
  Parallel parallel(options);
  (void)parallel(std::views::iota(0, 50) |
                 std::views::transform([](int i) { return delayed<plus_one>(i); }));
}

void thousand_calls_leave_nothing(const Subject& subject) {
  // Under sanitizers a call takes many times as long.
#if defined(__SANITIZE_ADDRESS__)
  constexpr int warm_up = 40, calls = 100;
  constexpr long slack_kib = 256 * 1024;  // freed memory stays in quarantine
#elif defined(__SANITIZE_THREAD__)
  constexpr int warm_up = 40, calls = 100;
  constexpr long slack_kib = 64 * 1024;  // each page has shadow pages, and each lock a record
#else
  constexpr int warm_up = 200, calls = 1000;
  constexpr long slack_kib = 8 * 1024;
#endif
  for (int i = 0; i != warm_up; ++i) one_call(subject);
  const Usage before = usage_now();
  for (int i = 0; i != calls; ++i) one_call(subject);
  const Usage after = usage_now();
  expect(after.threads <= before.threads + subject.n_jobs,
         "threads grew from " + std::to_string(before.threads) + " to " +
             std::to_string(after.threads));
  expect(after.descriptors <= before.descriptors, "file descriptors grew from " +
                                                      std::to_string(before.descriptors) + " to " +
                                                      std::to_string(after.descriptors));
  expect(after.resident_kib <= before.resident_kib + slack_kib,
         "memory grew by " + std::to_string(after.resident_kib - before.resident_kib) + " KiB in " +
             std::to_string(calls) + " calls");
}

}  // namespace

std::vector<Rule> resource_rules() {
  return {{"ThousandCallsLeaveNothing",
           "1000 objects and calls leave memory, threads and file descriptors flat",
           thousand_calls_leave_nothing}};
}

}  // namespace paracord::testkit
