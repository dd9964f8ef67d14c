// Group `cache`: calls of functions that remember, beside joblib and the file system's own limits.
// Usage: paracord_cache_bench FILE_OF_PEERS FOLDER_ON_DISK.

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <filesystem>
#include <numeric>
#include <ranges>

#include "paracord/bench/file_limits.h"
#include "paracord/bench/peers.h"
#include "paracord/cache/local_store.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr const char* group = "cache";
constexpr double us = 1e6;
constexpr int keys = 1000;
constexpr std::size_t entry_bytes = 512;  // about those of an entry of a double
constexpr std::size_t large_items = 100'000'000 / sizeof(double);

volatile double sink;

double twice(double x) {
  return 2 * x;
}
double sum_of_ends(const Array<double>& values) {
  return values[0] + values[values.size() - 1];
}
Array<double> large_result(int seed) {
  Array<double> made({large_items});
  std::fill_n(made.data(), made.size(), seed);
  return made;
}

void rows_of_hits(const Peers& peers, const std::string& parent, const std::string& where) {
  const ScratchFolder folder(parent);
  const Memory memory({.location = folder.path() + "/cache"});
  const auto cached = memory.cache<twice>();
  const std::string plain = folder.path() + "/plain";
  std::filesystem::create_directory(plain);
  int next = 0;
  const Pair misses = in_turn(
      [&] {
        for (int key = 0; key != keys; ++key) sink = cached(next++);
      },
      [&] {
        for (int key = 0; key != keys; ++key)
          create_write_rename(plain + "/" + std::to_string(next++), entry_bytes);
      });
  const Pair hits = in_turn(
      [&] {
        for (int key = 0; key != keys; ++key) sink = cached(key);
      },
      [&] {
        for (int key = keys; key != 2 * keys; ++key)
          sink = open_read_close(plain + "/" + std::to_string(key));
      });
  const std::string joblib = "joblib " + peers.text("joblib");
  cost_row(group, "hit, double → double, " + where + " | open+read+close", hits, keys, us,
           "µs/call", 2.5);
  CaseRows hit(peers, group, "hit, double → double, " + where, "µs/call", Better::lower);
  hit.beside_file(hits.ours / keys * us, "hit us " + where, joblib, 1.0);
  cost_row(group, "miss, double → double, " + where + " | create+write+rename", misses, keys, us,
           "µs/call", 3.0);
  CaseRows miss(peers, group, "miss, double → double, " + where, "µs/call", Better::lower);
  miss.beside_file(misses.ours / keys * us, "miss us " + where, joblib, 1.0);
}

template <class Work>
double median_seconds(Work work, int runs = 15) {
  work();
  std::vector<double> times;
  for (int run = 0; run != runs; ++run) times.push_back(seconds(work));
  return median(std::move(times));
}

Array<double> sealed_file(const Array<double>& array) {
  const int fd = memfd_create("sealed", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (write(fd, std::as_const(array).data(), array.bytes()) < 0) std::exit(1);
  fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW);
  auto mapped = map_raw<double>("/proc/self/fd/" + std::to_string(fd), {large_items});
  close(fd);
  return mapped;
}

void rows_of_arrays(const Peers& peers) {
  const ScratchFolder folder("/dev/shm");
  const std::string joblib = "joblib " + peers.text("joblib");
  const Memory memory({.location = folder.path() + "/cache", .mmap_mode = MmapMode::read});
  const auto of_array = memory.cache<sum_of_ends>();
  Array<double> array = large_result(1);
  const double gib = static_cast<double>(array.bytes()) / (1 << 30);
  const double rate = gib / median_seconds([&] { sink = of_array(array); });
  CaseRows hashing(peers, group, "hit with an array of 100 MB", "GiB/s", Better::higher);
  hashing.bound(rate, 15);
  hashing.beside_file(rate, "hit with array GiB/s", joblib, 1.0);
  const Array<double> sealed = sealed_file(array);
  array.freeze();
  CaseRows frozen(peers, group, "hit with a frozen array of 100 MB", "µs/call", Better::lower);
  frozen.bound(median_seconds([&] { sink = of_array(array); }) * us, 100);
  CaseRows of_file(peers, group, "hit with a sealed file of 100 MB", "µs/call", Better::lower);
  of_file.bound(median_seconds([&] { sink = of_array(sealed); }) * us, 100);
  const auto result = memory.cache<large_result>();
  const double mapped =
      median_seconds([&] { sink = std::as_const(*result(7).buffer()).bytes; }) * us;
  CaseRows mapping(peers, group, "hit returning 100 MB, mapped", "µs/call", Better::lower);
  mapping.bound(mapped, 150);
  mapping.beside_file(mapped, "hit mapped us", joblib, 1.0);
}

// Calls of the same thousand keys, among few and among many others.
void row_of_many_entries() {
  const ScratchFolder folder("/dev/shm");
  constexpr int many = 1'000'000;
  const auto cached_in = [&](const std::string& name, int count) {
    const auto cached = Memory({.location = folder.path() + name}).cache<twice>();
    for (int key = 0; key != count; ++key) sink = cached(key);
    return cached;
  };
  const auto small = cached_in("/small", keys);
  const auto large = cached_in("/large", many);
  const auto calls = [](const auto& cached, int step) {
    return [&cached, step] {
      for (int key = 0; key != keys; ++key) sink = cached(key * step);
    };
  };
  const auto among_many = calls(large, many / keys);
  const auto among_few = calls(small, 1);
  cost_row(group, "hit among 10⁶ entries | among 10³", in_turn(among_many, among_few, 21), keys, us,
           "µs/call", 1.5);
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  using namespace paracord::bench;  // NOLINT: the program's own
  if (argc != 3) return 2;
  const Peers peers(argv[1]);
  rows_of_hits(peers, "/dev/shm", "/dev/shm");
  rows_of_hits(peers, argv[2], "disk");
  rows_of_arrays(peers);
  row_of_many_entries();
}
