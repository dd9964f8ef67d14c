// Group `persist`: hash, dump and load, beside raw XXH3, the zstd command and joblib.
// Usage: paracord_persist_bench FILE_OF_PEERS.

#include <cmath>
#include <cstdlib>
#include <random>

#include "paracord/bench/file_limits.h"
#include "paracord/bench/peers.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr const char* group = "persist";
constexpr std::size_t items = (std::size_t{1} << 30) / sizeof(double);

volatile unsigned long long sink;

// As simulations write them: smooth, with noise in the lower digits.
Array<double> real_numbers() {
  auto array = Array<double>::uninitialized({items});
  std::mt19937_64 random(1);
  std::normal_distribution<double> noise(0, 1e-3);
  double* values = array.data();
  for (std::size_t i = 0; i != items; ++i)
    values[i] = std::sin(1e-4 * static_cast<double>(i)) + noise(random);
  return array;
}

void run_command(const std::string& command) {
  if (std::system(command.c_str()) == 0) return;
  std::fprintf(stderr, "%s failed\n", command.c_str());
  std::exit(1);
}

void rate_row(const std::string& name, const Pair& pair, double goal) {
  print_row(group, name, 1 / pair.ours, 1 / pair.peer, 1 / pair.ratio, "GiB/s", Better::higher,
            goal);
}

void rows_of_hash(const Peers& peers, const Array<double>& array) {
  const Pair pair = in_turn([&] { sink = hash(array).low; },
                            [&] { sink = raw_hash(array.data(), array.bytes()); });
  rate_row("hash of 1 GiB | raw XXH3-128", pair, 0.85);
  CaseRows(peers, group, "hash of 1 GiB", "GiB/s", Better::higher)
      .beside_file(1 / pair.ours, "hash GiB/s", "joblib " + peers.text("joblib"), 1.0);
}

void rows_of_zstd(const Array<double>& array) {
  const ScratchFolder folder("/dev/shm");
  const std::string raw = folder.path() + "/raw.npy", ours = folder.path() + "/ours.npy.zst",
                    theirs = folder.path() + "/theirs.zst", back = folder.path() + "/back";
  dump(array, raw);
  const auto compressing = [&](int level) {
    return in_turn(
        [&] { dump(array, ours, {.level = level, .threads = 1}); },
        [&] {
          run_command("zstd -q -f -T1 -" + std::to_string(level) + " " + raw + " -o " + theirs);
        },
        5);
  };
  rate_row("dump of 1 GiB, zstd level 1 | zstd -1 -T1", compressing(1), 1.0);
  rate_row("dump of 1 GiB, zstd level 3 | zstd -3 -T1", compressing(3), 1.0);
  const Pair loads =
      in_turn([&] { sink = load<Array<double>>(ours, {.threads = 2}).size(); },
              [&] { run_command("zstd -q -f -d -T1 " + theirs + " -o " + back); }, 5);
  rate_row("load of 1 GiB, zstd | zstd -d", loads, 1.0);
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  using namespace paracord::bench;  // NOLINT: the program's own
  if (argc != 2) return 2;
  const Peers peers(argv[1]);
  const auto array = real_numbers();
  rows_of_hash(peers, array);
  rows_of_zstd(array);
}
