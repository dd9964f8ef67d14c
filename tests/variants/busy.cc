// A program in the middle of a call, to be ended from outside. Its argument says what its tasks do:
//
//   sleep   for minutes
//   print   lines, without end
//   starts  a process each that goes on for minutes
//   share   a large array, and make others; then they sleep
//   calls   … 500 calls with large arrays, between which the program looks at what it holds

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <thread>

#include "paracord/paracord.h"

namespace {

using paracord::Array;

void say_begun() {
  std::puts("begun");
  std::fflush(stdout);
}

int sleeps(int x) {
  say_begun();
  std::this_thread::sleep_for(std::chrono::minutes(10));
  return x;
}

int prints(int x) {
  say_begun();
  while (true) std::printf("line after line\n");
  return x;
}

int starts(int x) {
  if (fork() == 0) {
    execlp("sleep", "sleep", "600", nullptr);
    _exit(1);
  }
  return sleeps(x);
}

int shares(std::span<const double> data) {
  const Array<double> made({data.size()});
  return sleeps(static_cast<int>(data.front() + made(0)));
}

Array<double> doubled(std::span<const double> data, int) {
  auto result = Array<double>::uninitialized({data.size()});
  for (std::size_t i = 0; i != data.size(); ++i) result(i) = 2 * data[i];
  return result;
}

struct Holdings {
  long descriptors = 0, threads = 0, shared_kib = 0, resident_kib = 0;
};

void for_each_entry(const char* folder, const std::function<void(const char*)>& look) {
  DIR* dir = opendir(folder);
  while (const dirent* entry = readdir(dir)) look(entry->d_name);
  closedir(dir);
}

Holdings holdings() {
  Holdings now;
  for_each_entry("/proc/self/task", [&](const char*) { ++now.threads; });
  for_each_entry("/proc/self/fd", [&](const char* name) {
    ++now.descriptors;
    const std::string path = std::string("/proc/self/fd/") + name;
    char target[256] = {};
    struct stat file {};
    if (readlink(path.c_str(), target, sizeof target - 1) < 0) return;
    const bool shared = std::strstr(target, "/dev/shm") != nullptr;
    if (shared && stat(path.c_str(), &file) == 0) now.shared_kib += file.st_blocks / 2;
  });
  std::ifstream status("/proc/self/status");
  for (std::string key; status >> key;) {
    if (key == "RssAnon:") status >> now.resident_kib;
  }
  return now;
}

void print(const char* when, const Holdings& held) {
  std::printf("%s: %ld descriptors, %ld threads, %ld KiB shared, %ld KiB resident\n", when,
              held.descriptors, held.threads, held.shared_kib, held.resident_kib);
}

int many_calls() {
  constexpr int warm = 100, all = 500, slack_kib = 8 << 10;
  const std::vector<double> data(std::size_t{1} << 18, 3.0);
  Holdings before;
  for (int call = 0; call != all; ++call) {
    if (call == warm) before = holdings();
    paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
    for (const Array<double>& result :
         parallel(std::views::iota(0, 4) | std::views::transform([&](int i) {
                    return paracord::delayed<doubled>(std::span<const double>(data), i);
                  })))
      if (result(result.size() - 1) != 6) return std::puts("WRONG: a result"), 1;
  }
  const Holdings after = holdings();
  print("after 100 calls", before);
  print("after 500 calls", after);
  const bool flat = after.descriptors <= before.descriptors && after.threads <= before.threads &&
                    after.shared_kib <= before.shared_kib + slack_kib &&
                    after.resident_kib <= before.resident_kib + slack_kib;
  std::puts(flat ? "ok" : "WRONG: calls leave something behind");
  return flat ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  const std::string what = argc > 1 ? argv[1] : "";
  if (what == "calls") return many_calls();
  const std::vector<double> data(std::size_t{1} << 20, 1.0);
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  (void)parallel(std::views::iota(0, 8) | std::views::transform([&](int i) {
                   using Task = paracord::Task<int>;
                   if (what == "share")
                     return Task(paracord::delayed<shares>(std::span<const double>(data)));
                   if (what == "starts") return Task(paracord::delayed<starts>(i));
                   return what == "print" ? Task(paracord::delayed<prints>(i))
                                          : Task(paracord::delayed<sleeps>(i));
                 }));
}
