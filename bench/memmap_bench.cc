// Group `memmap`: arrays in shared memory and in files, and the examples of them, beside NumPy and
// joblib. Usage: paracord_memmap_bench FILE_OF_PEERS FOLDER_OF_EXAMPLES.

#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <ranges>
#include <sstream>

#include "paracord/bench/limits.h"
#include "paracord/bench/peers.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr int workers = 2;
constexpr double us = 1e6;
constexpr const char* group = "memmap";
constexpr std::size_t array_items = (std::size_t{1} << 30) / sizeof(double);
constexpr std::size_t margin = 10;  // that a slice leaves at either end

double ends_of(ArrayView<const double> view) {
  return view[0] + view[view.size() - 1];
}

volatile double sink;

// In several lanes, as NumPy adds.
double sum_of(std::span<const double> values) {
  constexpr std::size_t lanes = 16;
  double sums[lanes] = {};
  for (std::size_t i = 0; i + lanes <= values.size(); i += lanes) {
    for (std::size_t lane = 0; lane != lanes; ++lane) sums[lane] += values[i + lane];
  }
  return std::accumulate(sums, sums + lanes, 0.0);
}

// A folder of files in shared memory, away with this object.
class Folder {
 public:
  Folder() {
    char name[] = "/dev/shm/paracord-bench-XXXXXX";
    if (mkdtemp(name) == nullptr) std::exit(1);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file() const { return path_ / "array.npy"; }

 private:
  std::filesystem::path path_;
};

// Microseconds of a call of two tasks that each get `argument`.
template <class T>
double median_call(Parallel& parallel, const T& argument) {
  const auto call = [&] {
    sink = parallel(std::views::iota(0, workers) |
                    std::views::transform([&](int) { return delayed<ends_of>(argument); }))[0];
  };
  call();
  std::vector<double> values;
  for (int run = 0; run != 200; ++run) values.push_back(seconds(call) * us);
  return median(std::move(values));
}

void rows_of_calls(const Peers& peers, const std::string& joblib, const std::string& file) {
  Parallel parallel({.n_jobs = workers, .backend = "processes"});
  const auto mapped = load<Array<double>>(file, {.mmap_mode = MmapMode::read});
  Array<double> frozen(mapped.view());
  frozen.freeze();
  CaseRows again(peers, group, "the same frozen array of 1 GiB again", "µs/call", Better::lower);
  const double same = median_call(parallel, frozen);
  again.bound(same, 100);
  again.beside_file(same, "loky same array us", joblib + " loky, a memmap", 1.0);
  CaseRows slices(peers, group, "a slice of a memmap", "µs/call", Better::lower);
  const double slice = median_call(parallel, mapped[Slice(margin, array_items - margin)]);
  slices.bound(slice, 100);
  slices.beside_file(slice, "loky slice us", joblib + " loky", 1.0);
}

void rows_of_files(const Peers& peers, const std::string& file) {
  const Array<double> array(std::vector<double>(array_items, 1.0));
  std::vector<double> dumps, loads, sums;
  for (int run = 0; run != 7; ++run) {
    std::filesystem::remove(file);
    dumps.push_back(1 / seconds([&] { dump(array, file); }));
    loads.push_back(1 / seconds([&] { sink = load<Array<double>>(file).data()[0]; }));
    sums.push_back(1 / seconds([&] {
                     const auto mapped = load<Array<double>>(file, {.mmap_mode = MmapMode::read});
                     const auto all = mapped.as_span();
                     sink = sum_of(all);
                   }));
  }
  const std::string numpy = "NumPy " + peers.text("numpy");
  const auto row = [&](const char* name, double ours, const char* key, const char* peer) {
    CaseRows(peers, group, name, "GiB/s", Better::higher).beside_file(ours, key, numpy + peer, 1.0);
  };
  row("dump of 1 GiB to .npy", median(dumps), "numpy save GiB/s", " save");
  row("load of 1 GiB from .npy", median(loads), "numpy load GiB/s", " load");
  row("mapped load of 1 GiB and its sum", median(sums), "numpy mapped sum GiB/s",
      " load, mmap_mode, sum");
}

// --- the examples, as programs ---

// What a program printed. Ends this one where that fails.
std::vector<std::string> lines_of(const std::string& command) {
  std::FILE* out = popen(command.c_str(), "r");
  std::vector<std::string> lines;
  for (char line[256]; std::fgets(line, sizeof line, out) != nullptr;) lines.emplace_back(line);
  if (pclose(out) == 0) return lines;
  std::fprintf(stderr, "%s failed\n", command.c_str());
  std::exit(1);
}

// The numbers behind the first line that begins with `name`.
std::vector<double> numbers_behind(const std::vector<std::string>& lines, const std::string& name) {
  for (const std::string& line : lines) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::vector<double> numbers;
    for (std::string word; words >> word;) {
      char* end = nullptr;
      const double number = std::strtod(word.c_str(), &end);
      if (*end == '\0') numbers.push_back(number);
    }
    return numbers;
  }
  std::fprintf(stderr, "the example printed no line '%s'\n", name.c_str());
  std::exit(1);
}

void rows_of_generator_memory(const Peers& peers, const std::string& loky,
                              const std::string& folder, const std::string& plot) {
  const auto lines = lines_of(folder + "/generator_memory " + plot);
  const auto rows = [&](const char* way, double most_seconds) {
    const auto numbers = numbers_behind(lines, way);
    const std::string name = std::string("example generator_memory, ") + way;
    CaseRows times(peers, group, name, "s", Better::lower);
    times.bound(numbers[0], most_seconds);
    times.beside_file(numbers[0], std::string("loky ") + way + " s", loky, 1.0);
    CaseRows peaks(peers, group, name + ", peak of the process tree", "MB", Better::lower);
    if (std::string(way) == "generator") peaks.bound(numbers[1], 110);
    peaks.beside_file(numbers[1], std::string("loky ") + way + " MB", loky, 1.0);
  };
  rows("generator", 7.9);
  rows("list", 12.7);
}

void rows_of_slow_mean(const Peers& peers, const std::string& loky, const std::string& folder) {
  constexpr int runs = 3;
  std::vector<std::vector<std::string>> printed;
  for (int run = 0; run != runs; ++run) printed.push_back(lines_of(folder + "/memmap"));
  const auto time = [&](const char* way) {
    std::vector<double> times;
    for (const auto& lines : printed) times.push_back(numbers_behind(lines, way)[0]);
    return median(std::move(times));
  };
  const double threads = time("2 plain threads");
  const auto rows = [&](const char* way) {
    return CaseRows(peers, group, std::string("example memmap: ") + way, "s", Better::lower);
  };
  const double ordinary = time("2 workers, a std::vector, first call");
  rows("ordinary memory").bound(ordinary, 0.56);
  rows("ordinary memory").beside_file(ordinary, "loky ordinary s", loky, 1.0);
  const double mapped = time("2 workers, a memmap ");
  rows("a memmap").beside(mapped, "2 plain threads", threads, 1.03);
  rows("a memmap").beside_file(mapped, "loky memmap s", loky, 1.0);
  const double frozen = time("2 workers, a frozen array, next call");
  rows("a frozen array, again").beside(frozen, "2 plain threads", threads, 1.03);
  const double output = time("2 workers, a memmap, means to another");
  rows("means written to a memmap").beside(output, "2 plain threads", threads, 1.05);
  rows("means written to a memmap").beside_file(output, "loky output s", loky, 1.0);
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  using namespace paracord::bench;
  paracord::initialize(argc, argv);
  if (argc != 3) {
    std::fprintf(stderr, "usage: paracord_memmap_bench FILE_OF_PEERS FOLDER_OF_EXAMPLES\n");
    return 2;
  }
  const Peers peers(argv[1]);
  const std::string examples = argv[2], loky = "joblib " + peers.text("joblib") + " loky";
  const Folder folder;
  rows_of_files(peers, folder.file());
  rows_of_calls(peers, "joblib " + peers.text("joblib"), folder.file());
  rows_of_slow_mean(peers, loky, examples);
  rows_of_generator_memory(peers, loky, examples, folder.file() + ".svg");
}
