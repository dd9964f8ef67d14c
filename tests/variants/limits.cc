// Calls where memory is scarce. Its arguments: what to do, and what for.
//
//   allocate       a task allocates until it cannot
//   touch          a task uses memory until it is killed for it
//   unseen         a task is killed, and the system does not tell the program of its children
//   share [FOLDER] tasks read an array of 16 MiB, with this temp_folder
//   make [FOLDER]  tasks make arrays of 2 MiB, 24 in all, with this temp_folder
//   travel         arrays of 4 and 2 MiB go to a cluster's node and back, with little /dev/shm left

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <string>

#include "paracord/paracord.h"

namespace {

using paracord::Array;
using paracord::Parallel;

constexpr std::size_t mebibyte = std::size_t{1} << 20;

std::size_t allocates(int x, std::size_t most_mebibytes) {
  std::vector<std::unique_ptr<char[]>> all;
  while (x == 3 && all.size() != most_mebibytes) {
    all.push_back(std::make_unique_for_overwrite<char[]>(mebibyte));
    std::memset(all.back().get(), x, most_mebibytes > 1'000'000 ? 1 : mebibyte);
  }
  return all.size();
}

std::size_t is_killed(int x, std::size_t) {
  if (x == 3) kill(getpid(), SIGKILL);
  return 0;
}

// Whether the task 3 fails, with an error that is_right knows, and the others do not.
template <auto task, class IsRight>
bool only_one_fails(std::size_t most_mebibytes, IsRight is_right) {
  Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto outcomes =
      parallel.outcomes(std::views::iota(0, 8) | std::views::transform([&](int i) {
                          return paracord::delayed<task>(i, most_mebibytes);
                        }));
  bool right = true;
  for (std::size_t i = 0; i != outcomes.size(); ++i) {
    if (i != 3) {
      right &= outcomes[i].has_value();
      continue;
    }
    right &= !outcomes[i].has_value();
    try {
      std::printf("%zu MiB\n", outcomes[i].value());
    } catch (const std::exception& error) {
      std::printf("%s\n", error.what());
      right &= is_right(error);
    }
  }
  return right;
}

bool allocate() {
  const rlimit limit{3 * (rlim_t{1} << 30), 3 * (rlim_t{1} << 30)};
  setrlimit(RLIMIT_AS, &limit);
  return only_one_fails<allocates>(std::size_t{1} << 40, [](const std::exception& error) {
    return dynamic_cast<const std::bad_alloc*>(&error) != nullptr;
  });
}

bool unseen() {
  signal(SIGCHLD, SIG_IGN);
  return only_one_fails<is_killed>(0, [](const std::exception& error) {
    return dynamic_cast<const paracord::WorkerLostError*>(&error) != nullptr &&
           std::strstr(error.what(), "nobody knows how") != nullptr;
  });
}

bool touch() {
  return only_one_fails<allocates>(4096, [](const std::exception& error) {
    const auto* lost = dynamic_cast<const paracord::WorkerLostError*>(&error);
    if (lost == nullptr) return false;
    std::printf("known to be for memory: %s\n", lost->loss().out_of_memory ? "yes" : "no");
    return lost->loss().signal == 9;
  });
}

void print_open_files(const char* who) {
  DIR* dir = opendir("/proc/self/fd");
  while (const dirent* entry = readdir(dir)) {
    const std::string path = std::string("/proc/self/fd/") + entry->d_name;
    char target[512] = {};
    if (readlink(path.c_str(), target, sizeof target - 1) < 0) continue;
    if (std::strstr(target, "/#") != nullptr) std::printf("%s: %s\n", who, target);
  }
  closedir(dir);
}

double last(std::span<const double> data) {
  return data.back();
}

bool share(std::optional<std::string> folder) {
  const std::vector<double> data(2 * mebibyte, 5.0);
  Parallel parallel({.n_jobs = 2, .backend = "processes", .temp_folder = std::move(folder)});
  bool right = true;
  for (int round = 0; round != 3; ++round) {
    for (const double x : parallel(std::views::iota(0, 6) | std::views::transform([&](int) {
                                     return paracord::delayed<last>(std::span<const double>(data));
                                   })))
      right &= x == 5.0;
  }
  print_open_files("file");
  return right;
}

Array<double> filled(int x) {
  auto made = Array<double>::uninitialized({mebibyte / 4});
  for (double& element : made.as_span()) element = x;
  return made;
}

bool makes_right_arrays(Parallel& parallel) {
  const std::vector<Array<double>> all =
      parallel(std::views::iota(0, 24) |
               std::views::transform([](int i) { return paracord::delayed<filled>(i); }));
  bool right = true;
  for (int i = 0; i != 24; ++i) {
    for (const double element : all[static_cast<std::size_t>(i)].as_span()) right &= element == i;
  }
  return right;
}

bool make(std::optional<std::string> folder) {
  Parallel parallel({.n_jobs = 2, .backend = "processes", .temp_folder = std::move(folder)});
  const bool right = makes_right_arrays(parallel);
  print_open_files("file");
  return right;
}

void leave_shared_memory(std::size_t bytes) {
  struct statvfs about {};
  const int file = open("/dev/shm/full", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
  if (statvfs("/dev/shm", &about) != 0 ||
      posix_fallocate(file, 0, static_cast<off_t>(about.f_bavail * about.f_frsize - bytes)) != 0)
    throw std::runtime_error("/dev/shm cannot be filled");
}

bool travel() {
  Parallel parallel({.n_jobs = 2,
                     .backend = "zeromq",
                     .backend_options = paracord::ZeromqOptions{.share_memory = false}});
  // From now on every end has a file there, with more space than /dev/shm will have.
  bool right = parallel(std::views::iota(0, 1) | std::views::transform([](int i) {
                          return paracord::delayed<filled>(i);
                        }))[0]
                   .size() == mebibyte / 4;
  leave_shared_memory(10 * mebibyte);
  std::vector<std::vector<double>> given;
  for (int i = 0; i != 6; ++i) given.emplace_back(mebibyte / 2, i);
  const auto lasts = parallel(given | std::views::transform([](const std::vector<double>& data) {
                                return paracord::delayed<last>(std::span(data));
                              }));
  for (std::size_t i = 0; i != lasts.size(); ++i) right &= lasts[i] == static_cast<double>(i);
  return makes_right_arrays(parallel) && right;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  const std::string what = argc > 1 ? argv[1] : "";
  const auto folder = argc > 2 ? std::optional<std::string>(argv[2]) : std::nullopt;
  try {
    const bool right = what == "allocate" ? allocate()
                       : what == "touch"  ? touch()
                       : what == "unseen" ? unseen()
                       : what == "share"  ? share(folder)
                       : what == "travel" ? travel()
                                          : make(folder);
    std::puts(right ? "ok" : "WRONG");
    return right ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("%s\n", error.what());
    return 1;
  }
}
