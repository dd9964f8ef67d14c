// A client whose tasks write down that they have run: life_client SCHEDULER KEYS FILE TASKS

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <ranges>
#include <string>
#include <thread>

#include "paracord/paracord.h"

namespace {

int noted(std::string path, int task) {
  const std::string line = std::to_string(task) + "\n";
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd < 0 || write(fd, line.data(), line.size()) < 0) std::abort();
  close(fd);
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  return task * 3;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  if (argc != 5) return 2;
  paracord::ZeromqOptions zeromq;
  zeromq.scheduler = argv[1];
  zeromq.keys = argv[2];
  const std::string path = argv[3];
  const int count = std::atoi(argv[4]);
  paracord::ParallelOptions options;
  options.backend = "zeromq";
  options.backend_options = zeromq;
  options.batch_size = 8;
  paracord::Parallel parallel(options);
  const auto results = parallel(std::views::iota(0, count) | std::views::transform([&](int i) {
                                  return paracord::delayed<noted>(path, i);
                                }));
  for (int i = 0; i != count; ++i) {
    if (results[static_cast<std::size_t>(i)] == 3 * i) continue;
    std::fprintf(stderr, "task %d: %d\n", i, results[static_cast<std::size_t>(i)]);
    return 1;
  }
  return 0;
}
