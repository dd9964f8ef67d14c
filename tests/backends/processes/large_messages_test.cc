// Messages that are too large for a ring, and go through shared memory.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <numeric>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

/// A file to which each task that has run adds a byte.
struct Tally {
  Tally() {
    std::string name = std::filesystem::temp_directory_path() / "tally-XXXXXX";
    close(mkstemp(name.data()));
    path = name;
  }
  ~Tally() { std::filesystem::remove(path); }
  std::string path;
};

void add_to(const std::string& path) {
  const int fd = open(path.c_str(), O_WRONLY | O_APPEND);
  EXPECT_EQ(write(fd, "x", 1), 1);
  close(fd);
}

bool holds(const std::string& path, int count) {
  struct stat about {};
  return stat(path.c_str(), &about) == 0 && about.st_size >= count;
}

// The first task lasts until all others are done, the others add their numbers up.
long sum_after(const std::string& path, int i, int count, std::vector<long> numbers) {
  if (i == 0) {
    if (!eventually([&] { return holds(path, count - 1); })) return -1;
  } else {
    add_to(path);
  }
  return std::accumulate(numbers.begin(), numbers.end(), 0L);
}

// Tasks that wait behind a long one are taken back and sent to another worker. Their records stay
// in the first one's ring until it passes over them, and so must the memory that these refer to:
// else it holds another batch by then.
TEST(LargeMessages, KeepTheirMemoryUntilTheirWorkerHasPassedOver) {
  constexpr int count = 300;
  constexpr std::size_t size = 5000;  // 40 kB
  ParallelOptions options = processes();
  options.batch_size = 1;  // none has to wait for the first one
  Parallel parallel(options);
  for (int round = 0; round != 3; ++round) {
    const Tally tally;
    const auto sums = parallel(tasks(count, [&](int i) {
      return delayed<sum_after>(tally.path, i, count, std::vector<long>(size, i + 1));
    }));
    for (int i = 0; i != count; ++i)
      ASSERT_EQ(sums[static_cast<std::size_t>(i)], static_cast<long>(size) * (i + 1));
  }
}

}  // namespace
}  // namespace paracord::process_tests
