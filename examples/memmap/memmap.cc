// A large array that worker processes read and write where it lies, or nodes of a cluster. joblib's
// gallery has this example as "NumPy memmap in joblib.Parallel": a slow mean over windows of the
// array.
//
// Usage: memmap [--quick] [BACKEND]
//
// BACKEND is processes, or zeromq: the cluster that PARACORD_SCHEDULER names, else one of its own.

#include <paracord/paracord.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <functional>
#include <numeric>
#include <random>
#include <ranges>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

using Data = paracord::ArrayView<const double>;
using Means = std::vector<double>;
using Windows = std::vector<paracord::Slice>;

constexpr int n_jobs = 2;
constexpr auto slowness = std::chrono::milliseconds(10);

struct Setup {
  std::size_t size, window, step;  // in elements
};
constexpr Setup full = {.size = 10'000'000, .window = 500'000, .step = 100'000};
constexpr Setup quick = {.size = 1'000'000, .window = 500'000, .step = 100'000};

// --- what runs in the workers ---

double slow_mean(Data data, paracord::Slice window) {
  std::this_thread::sleep_for(slowness);
  const auto part = data[window].as_span();
  return std::reduce(part.begin(), part.end()) / static_cast<double>(part.size());
}

// A mutable view says that the task writes, to a file that is mapped for it.
void write_slow_mean(Data data, paracord::Slice window, paracord::ArrayView<double> output,
                     std::size_t place) {
  output[place] = slow_mean(data, window);
}

// --- the ways to run it ---

Means means_of(paracord::Parallel& parallel, Data data, const Windows& windows) {
  return parallel(windows | std::views::transform([&](const paracord::Slice& window) {
                    return paracord::delayed<slow_mean>(data, window);
                  }));
}

// The file that the workers write to is the caller's array. Each task gets all of it, and writes
// one element.
Means means_in_file(paracord::Parallel& parallel, Data data, const Windows& windows,
                    const std::string& path) {
  auto output = paracord::create_npy<double>(path, {windows.size()});
  parallel(std::views::iota(std::size_t{0}, windows.size()) | std::views::transform([&](auto i) {
             return paracord::delayed<write_slow_mean>(data, windows[i], output.view(), i);
           }));
  return {output.begin(), output.end()};
}

// What all this is compared with.
Means means_on_plain_threads(Data data, const Windows& windows) {
  Means means(windows.size());
  const auto every_second = [&](std::size_t first) {
    for (std::size_t i = first; i < windows.size(); i += n_jobs)
      means[i] = slow_mean(data, windows[i]);
  };
  std::jthread other(every_second, 1);
  every_second(0);
  other.join();
  return means;
}

// --- comparing them ---

class Comparison {
 public:
  // The first row is what the others are compared with.
  void row(const char* name, const std::function<Means()>& run) {
    const auto start = std::chrono::steady_clock::now();
    const Means means = run();
    const paracord::Seconds taken = std::chrono::steady_clock::now() - start;
    if (expected_.empty()) {
      expected_ = means;
      sequential_ = taken;
    }
    const bool agree = means == expected_;
    all_agree_ = all_agree_ && agree;
    std::printf("%-42s %8.3f s %9.2f  %s\n", name, taken.count(), sequential_ / taken,
                agree ? "the same" : "DIFFERENT");
  }
  bool all_agree() const { return all_agree_; }

 private:
  Means expected_;
  paracord::Seconds sequential_{};
  bool all_agree_ = true;
};

// Away with this object, and what lies in it.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "memmap-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr)
      throw std::system_error(errno, std::generic_category(), "no folder " + name);
    path_ = name;
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  std::string file(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

std::vector<double> random_numbers(std::size_t count) {
  std::mt19937_64 generator;
  std::uniform_real_distribution<double> uniform;
  std::vector<double> numbers(count);
  std::ranges::generate(numbers, [&] { return uniform(generator); });
  return numbers;
}

Windows windows_of(const Setup& setup) {
  Windows windows;
  for (std::size_t first = 0; first + setup.window < setup.size; first += setup.step) {
    windows.push_back({.start = static_cast<std::ptrdiff_t>(first),
                       .stop = static_cast<std::ptrdiff_t>(first + setup.window)});
  }
  return windows;
}

int run(const Setup& setup, const std::string& backend) {
  const std::vector<double> data = random_numbers(setup.size);
  const Windows windows = windows_of(setup);
  const TemporaryFolder folder;
  paracord::dump(Data(data), folder.file("data.npy"));
  const auto mapped = paracord::load<paracord::Array<double>>(
      folder.file("data.npy"), {.mmap_mode = paracord::MmapMode::read});
  paracord::Array<double> frozen(data);
  frozen.freeze();  // and so it is stored for the workers once, not for each call

  std::printf("means over %zu windows of %zu doubles\n\n", windows.size(), setup.window);
  std::printf("%-42s %10s %9s  %s\n", "", "time", "speed-up", "results");
  paracord::Parallel sequential({.backend = "sequential"});
  paracord::Parallel parallel({.n_jobs = n_jobs, .backend = backend});
  Comparison table;
  const auto on_workers = [&](const char* name, Data array) {
    table.row(name, [&] { return means_of(parallel, array, windows); });
  };
  table.row("sequential", [&] { return means_of(sequential, data, windows); });
  table.row("2 plain threads", [&] { return means_on_plain_threads(data, windows); });
  on_workers("2 workers, a std::vector, first call", data);
  on_workers("2 workers, a std::vector, next call", data);
  on_workers("2 workers, a memmap", mapped);
  on_workers("2 workers, a frozen array, first call", std::as_const(frozen));
  on_workers("2 workers, a frozen array, next call", std::as_const(frozen));
  table.row("2 workers, a memmap, means to another",
            [&] { return means_in_file(parallel, mapped, windows, folder.file("means.npy")); });
  return table.all_agree() ? 0 : 1;
}

struct Arguments {
  Setup setup = full;
  std::string backend = "processes";
};

Arguments parse(int argc, char** argv) {
  Arguments arguments;
  std::vector<std::string> words(argv + 1, argv + argc);
  if (!words.empty() && words.front() == "--quick") {
    arguments.setup = quick;
    words.erase(words.begin());
  }
  if (!words.empty()) {
    arguments.backend = words.front();
    words.erase(words.begin());
  }
  if (!words.empty() || arguments.backend.starts_with("-"))
    throw std::invalid_argument("usage: memmap [--quick] [BACKEND]");
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  try {
    const Arguments arguments = parse(argc, argv);
    return run(arguments.setup, arguments.backend);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "memmap: %s\n", error.what());
    return 1;
  }
}
