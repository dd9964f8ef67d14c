// The snippets of docs/cache.md, compiled and run.

#include <paracord/paracord.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <ranges>
#include <string>
#include <vector>

// [first]
double simulate(double temperature, int steps) {
  double sum = 0;
  for (int step = 0; step != steps; ++step) sum += std::sin(temperature * step);
  return sum;
}

double simulate_twice(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  const auto cached = memory.cache<simulate>();
  return cached(300, 1000) +  // computed, and kept
         cached(300, 1000);   // loaded
}
// [first]

// [tasks]
std::vector<double> sweep(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  const auto cached = memory.cache<simulate>();
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  return parallel(std::views::iota(250, 270) | std::views::transform([&](int temperature) {
                    return paracord::delayed(cached, temperature, 1000);
                  }));
}
// [tasks]

// [version]
double keep_between_builds(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  const auto cached = memory.cache<simulate>({.name = "simulate", .version = "2: with drag"});
  return cached(300, 1000);
}
// [version]

// [ignore]
double integrate(double upper, int threads, bool verbose) {
  return verbose ? upper : upper * threads / threads;
}

bool differ_in_what_does_not_matter(const std::string& folder) {
  using namespace paracord;
  const Memory memory({.location = folder});
  const auto by_index = memory.cache<integrate, ignore<1, 2>>();
  const auto by_name = memory.cache<integrate, parameters<"upper", "threads", "verbose">,
                                    ignore<"threads", "verbose">>();
  by_index(2.0, 1, false);
  return by_name.contains(2.0, 64, true);
}
// [ignore]

// [mapped]
paracord::Array<double> table(std::size_t rows) {
  paracord::Array<double> made({rows, 100});
  std::iota(made.data(), made.data() + made.size(), 0.0);
  return made;
}

double look_at_large_results(const std::string& folder) {
  const paracord::Memory memory({.location = folder, .mmap_mode = paracord::MmapMode::read});
  const auto cached = memory.cache<table>();
  const paracord::Array<double> mapped = cached(10'000);  // no copy, on the first call neither
  return mapped(9'999, 99);
}
// [mapped]

// [shelve]
double sum_of(const paracord::Shelved<paracord::Array<double>>& shelved) {
  const paracord::Array<double> values = shelved.get();
  return std::accumulate(values.data(), values.data() + values.size(), 0.0);
}

double hand_on_large_results(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  const auto shelved = memory.cache<table>().call_and_shelve(1'000);
  paracord::Parallel parallel({.n_jobs = 2, .backend = "processes"});
  const auto sums = parallel(std::views::iota(0, 2) | std::views::transform([&](int) {
                               return paracord::delayed<sum_of>(shelved);  // some bytes
                             }));
  return sums[0] + sums[1];
}
// [shelve]

// [limits]
void keep_it_small(const std::string& folder) {
  using namespace std::chrono_literals;
  const paracord::Memory memory({
      .location = folder,
      .limits = {.bytes = std::uint64_t{10} << 30},  // held while results are written
  });
  const auto cached = memory.cache<simulate>({.expires_after = 24h});
  cached(300, 1000);
  cached.erase(300, 1000);                          // one result
  cached.clear();                                   // those of the function
  memory.reduce_size({.items = 1000, .age = 24h});  // what was used least recently
  memory.clear();                                   // all
}
// [limits]

// [valid]
bool made_by_a_long_call(const paracord::EntryInfo& info) {
  return info.duration > std::chrono::milliseconds(1);
}

double keep_only_what_took_long(const std::string& folder) {
  const paracord::Memory memory({.location = folder});
  return memory.cache<simulate, paracord::valid_if<made_by_a_long_call>>()(300, 10);
}
// [valid]

// [warnings]
paracord::MemoryStatistics hear_of_trouble(const std::string& folder) {
  const paracord::Memory memory({
      .location = folder,
      .on_warning = [](const std::string& text) { std::fprintf(stderr, "%s\n", text.c_str()); },
  });
  memory.cache<simulate>()(300, 1000);
  return memory.statistics();  // hits, misses, damaged, failed_stores
}
// [warnings]

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  std::string folder = (std::filesystem::temp_directory_path() / "cache-XXXXXX").string();
  if (mkdtemp(folder.data()) == nullptr) return 1;
  const std::string cache = folder + "/cache";
  const bool right =
      simulate_twice(cache) == 2 * simulate(300, 1000) && sweep(cache).size() == 20 &&
      keep_between_builds(cache) == simulate(300, 1000) && differ_in_what_does_not_matter(cache) &&
      look_at_large_results(cache) == 999'999 && hand_on_large_results(cache) > 0 &&
      keep_only_what_took_long(cache) == simulate(300, 10) &&
      hear_of_trouble(cache).failed_stores == 0;
  keep_it_small(cache);
  std::filesystem::remove_all(folder);
  std::printf("%s\n", right ? "right" : "wrong");
  return right ? 0 : 1;
}
