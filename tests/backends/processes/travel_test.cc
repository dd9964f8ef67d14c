// What travels to worker processes and back, and what does not.

#include <complex>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <variant>

#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::process_tests {
namespace {

static_assert(travels<plus_one>);

template <class T>
T same(T value) {
  return value;
}

template <class T>
void expect_travels(const T& value) {
  Parallel parallel(processes());
  const std::vector<T> values{value, value};
  EXPECT_EQ(
      parallel(values | std::views::transform([](const T& v) { return delayed<same<T>>(v); })),
      values);
}

struct Point {
  double x, y;
  bool operator==(const Point&) const = default;
};
struct Body {
  std::string name;
  std::vector<Point> path;
  std::optional<std::variant<int, std::string>> tag;
  std::map<std::string, std::vector<int>> index;
  bool operator==(const Body&) const = default;
};

TEST(Travel, ValuesOfManyTypes) {
  expect_travels(std::string("with\0zero", 9));
  expect_travels(std::complex<double>(1, -2));
  expect_travels(std::vector<bool>{true, false, true});
  expect_travels(std::vector<std::string>{"", "a", "bc"});
  expect_travels(
      Body{"earth", {{1, 2}, {3, 4}}, std::variant<int, std::string>("x"), {{"k", {7}}}});
}

TEST(Travel, PayloadsOfAllSizes) {
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{1} << 15, std::size_t{1} << 20,
        (std::size_t{1} << 20) + 1, std::size_t{50} << 20}) {
    SCOPED_TRACE(size);
    expect_travels(std::string(size, 'p'));
  }
}

double total(std::span<const double> data, double more) {
  return std::accumulate(data.begin(), data.end(), more);
}

TEST(Travel, SpansOfMemoryLargeAndSmall) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{10}, std::size_t{131'072},
                                 std::size_t{131'073}, std::size_t{3'000'000}}) {
    std::vector<double> data(size, 0.5);
    Parallel parallel(processes());
    const auto sums = parallel(tasks(8, [&](int i) {
      return delayed<total>(std::span<const double>(data), static_cast<double>(i));
    }));
    for (int i = 0; i != 8; ++i)
      EXPECT_EQ(sums[static_cast<std::size_t>(i)], 0.5 * static_cast<double>(size) + i);
  }
}

struct Job {
  std::vector<std::span<const double>> parts;
  std::string label;
};
double total_of(const Job& job) {
  double sum = 0;
  for (const auto part : job.parts) sum = total(part, sum);
  return sum;
}

TEST(Travel, ArraysInsideArguments) {
  std::vector<double> large(400'000, 1.0), small(3, 2.0);
  const Job job{{large, small, std::span(large).subspan(7, 200'000)}, "label"};
  Parallel parallel(processes());
  for (const double sum :
       parallel(tasks(4, [&](int) { return delayed<total_of>(std::cref(job)); })))
    EXPECT_EQ(sum, 600'006.0);
}

bool can_write(std::span<const double> data) {
  // The bytes of the page say whether it is mapped for writing.
  std::ifstream maps("/proc/self/maps");
  const auto address = reinterpret_cast<std::uintptr_t>(data.data());
  for (std::string line; std::getline(maps, line);) {
    unsigned long begin = 0, end = 0;
    char modes[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, modes) != 3) continue;
    if (address >= begin && address < end) return modes[1] == 'w';
  }
  return true;
}

TEST(Travel, ConstViewsOfLargeMemoryAreReadOnly) {
  std::vector<double> large(400'000, 1.0);
  Parallel parallel(processes());
  for (const bool writable :
       parallel(tasks(2, [&](int) { return delayed<can_write>(std::span<const double>(large)); })))
    EXPECT_FALSE(writable);
}

int writes(std::span<int> data) {
  data[0] = 1;
  return 0;
}

TEST(Travel, MutableViewsOfOrdinaryMemoryAreRefused) {
  std::vector<int> data(10);
  Parallel parallel(processes());
  try {
    (void)parallel(tasks(2, [&](int) { return delayed<writes>(std::span<int>(data)); }));
    FAIL() << "nothing was thrown";
  } catch (const SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find("mutable view"), std::string::npos) << error.what();
  }
}

TEST(Travel, ClosuresAreRefusedBeforeAnythingIsSent) {
  int offset = 3, read = 0;
  Parallel parallel(processes());
  try {
    (void)parallel(tasks(5, [&](int i) {
      ++read;
      return delayed([offset](int x) { return x + offset; }, i);
    }));
    FAIL() << "nothing was thrown";
  } catch (const SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find("name a function"), std::string::npos) << error.what();
  }
  EXPECT_EQ(read, 0);
}

TEST(Travel, FunctorsWithoutStateTravel) {
  Parallel parallel(processes());
  const auto results =
      parallel(tasks(5, [](int i) { return delayed([](int x) { return 2 * x; }, i); }));
  EXPECT_EQ(results, (std::vector<int>{0, 2, 4, 6, 8}));
}

int behind(int* pointer) {
  return *pointer;
}

TEST(Travel, PointersAreRefusedByName) {
  int value = 1;
  Parallel parallel(processes());
  try {
    (void)parallel(tasks(2, [&](int) { return delayed<behind>(&value); }));
    FAIL() << "nothing was thrown";
  } catch (const SerializationError& error) {
    EXPECT_NE(std::string(error.what()).find("int*"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find("threads"), std::string::npos) << error.what();
  }
}

TEST(Travel, TasksOfDifferentFunctionsMix) {
  std::vector<Task<int>> mixed;
  for (int i = 0; i != 50; ++i) {
    mixed.emplace_back(delayed<plus_one>(i));
    mixed.emplace_back(delayed([](int x) { return -x; }, i));
  }
  Parallel parallel(processes());
  const auto results = parallel(mixed);
  for (int i = 0; i != 50; ++i) {
    EXPECT_EQ(results[static_cast<std::size_t>(2 * i)], i + 1);
    EXPECT_EQ(results[static_cast<std::size_t>(2 * i + 1)], -i);
  }
}

struct Coded : std::runtime_error {
  explicit Coded(const std::string& what = "") : std::runtime_error(what) {}
};

int throws_coded(int i) {
  throw Coded("code " + std::to_string(i));
}
int throws_system(int) {
  throw std::system_error(ENOENT, std::generic_category(), "opening");
}
const bool coded_registered = (register_exception<Coded>(), true);

TEST(Travel, RegisteredExceptionsKeepTheirType) {
  Parallel parallel(processes());
  try {
    (void)parallel(tasks(1, [](int) { return delayed<throws_coded>(5); }));
    FAIL() << "nothing was thrown";
  } catch (const Coded& error) {
    EXPECT_STREQ(error.what(), "code 5");
    EXPECT_TRUE(task_error(error));
  }
}

TEST(Travel, ErrorCodesComeAlong) {
  ParallelOptions options = processes();
  Parallel parallel(options);
  try {
    (void)parallel(tasks(2, [](int i) { return delayed<throws_system>(i); }));
    FAIL() << "nothing was thrown";
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::no_such_file_or_directory);
    EXPECT_STREQ(error.what(), "opening: No such file or directory");
  }
}

TEST(Travel, LargeResultsComeBackWhole) {
  Parallel parallel(processes());
  for (int round = 0; round != 3; ++round) {
    const auto results = parallel(tasks(
        6, [](int i) { return delayed([](int n) { return std::vector<int>(500'000, n); }, i); }));
    for (int i = 0; i != 6; ++i)
      EXPECT_EQ(results[static_cast<std::size_t>(i)], std::vector<int>(500'000, i));
  }
}

std::size_t count_ends(const std::vector<char>& bytes) {
  return bytes.size() + static_cast<std::size_t>(bytes.front() + bytes.back());
}
std::vector<char> make_bytes(std::size_t size) {
  return std::vector<char>(size, 2);
}

TEST(Travel, PayloadsOfManyGigabytes) {
  if (std::getenv("PARACORD_TEST_LARGE") == nullptr)
    GTEST_SKIP() << "takes 13 GiB of memory and a minute; set PARACORD_TEST_LARGE=1";
  constexpr std::size_t size = (std::size_t{4} << 30) + 3;
  Parallel parallel(processes());
  {
    const std::vector<char> bytes(size, 1);
    EXPECT_EQ(parallel(tasks(1, [&](int) { return delayed<count_ends>(std::cref(bytes)); })).at(0),
              size + 2);
  }
  const auto results = parallel(tasks(1, [&](int) { return delayed<make_bytes>(size); }));
  EXPECT_EQ(count_ends(results.at(0)), size + 4);
}

// All in the message itself: no sharing.
TEST(Travel, LargePayloadsInsideOfMessages) {
  ParallelOptions options = processes();
  options.max_nbytes = unlimited_bytes;
  Parallel parallel(options);
  const std::vector<char> bytes(std::size_t{64} << 20, 1);
  EXPECT_EQ(parallel(tasks(3, [&](int) { return delayed<count_ends>(std::cref(bytes)); })),
            std::vector<std::size_t>(3, bytes.size() + 2));
}

}  // namespace
}  // namespace paracord::process_tests
