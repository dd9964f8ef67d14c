// Groups `processes` and `cluster`, their rows of arguments and results by value: below
// `max_nbytes`, so that each is copied, beside what the copies cost alone. Usage:
// paracord_values_bench processes FILE_OF_PEERS, or cluster FILE_OF_PEERS COMMAND, with the
// `paracord` command.

#include <algorithm>
#include <cstdio>
#include <map>
#include <ranges>
#include <string>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "paracord/bench/daemons.h"
#include "paracord/bench/limits.h"
#include "paracord/bench/peers.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

using Value = std::vector<double>;

constexpr int workers = 2, runs = 7;
constexpr std::size_t kib = 1024, mib = 1024 * kib;
constexpr std::size_t sizes[] = {8 * kib, 32 * kib, 128 * kib, 512 * kib, mib, 2 * mib};
constexpr std::size_t bytes_of_call = 64 * mib;
constexpr std::size_t over_all_sizes = 16 * mib;

double last_of(const Value& value) {
  return value.back();
}
// Made when it is asked for first: before the clock. It has room behind it: the copy, which the
// allocator puts there, would lie at a distance at which memcpy is slow (core/copy_bytes.cc).
Value value_of(std::size_t bytes) {
  static std::map<std::size_t, Value> made;
  Value& value = made[bytes];
  if (value.empty()) {
    constexpr std::size_t room_behind = 64;
    value.reserve(bytes / sizeof(double) + room_behind);
    value.assign(bytes / sizeof(double), 1.0);
  }
  return value;
}

volatile double sink;

// One ZeroMQ frame for each value over tcp, from one thread to another.
class RawFrames {
 public:
  explicit RawFrames(std::size_t) {
    in_.set(zmq::sockopt::rcvhwm, high_water);
    in_.bind("tcp://127.0.0.1:*");
    out_.set(zmq::sockopt::sndhwm, high_water);
    out_.connect(in_.get(zmq::sockopt::last_endpoint));
    reader_ = std::thread([this] { serve(); });
  }
  RawFrames(const RawFrames&) = delete;
  ~RawFrames() {
    out_.send(zmq::message_t(), zmq::send_flags::none);
    reader_.join();
  }
  void pass(const std::vector<Value>& values) {
    for (const Value& value : values) out_.send(zmq::buffer(value), zmq::send_flags::none);
    const std::uint64_t count = values.size();
    out_.send(zmq::buffer(&count, sizeof count), zmq::send_flags::none);
    zmq::message_t answer;
    (void)out_.recv(answer);
  }

 private:
  static constexpr int high_water = 16;
  // Whatever has a count's size asks for an answer; nothing is the end.
  void serve() {
    zmq::message_t frame;
    while (in_.recv(frame) && frame.size() != 0) {
      if (frame.size() == sizeof(std::uint64_t)) in_.send(frame, zmq::send_flags::none);
    }
  }
  zmq::context_t to_, from_;
  zmq::socket_t in_{to_, zmq::socket_type::pair}, out_{from_, zmq::socket_type::pair};
  std::thread reader_;
};

// What the rows of one backend are beside, and how far from it they may be.
struct Beside {
  const char* group;
  const char* kind;
  const char* peer;
  std::size_t large;  // from here on
  double goal_of_small, goal_of_large;
  const char* python;
  std::string python_name;
  std::size_t python_from;
};

std::string text_of(std::size_t bytes) {
  return bytes < mib ? std::to_string(bytes / kib) + " KiB" : std::to_string(bytes / mib) + " MiB";
}

double gibibytes_per_second(double seconds) {
  return static_cast<double>(bytes_of_call) / (1 << 30) / seconds;
}

// Ours, in GiB/s.
double row_of_size(const Peers& peers, const Beside& beside, const std::string& direction,
                   std::size_t bytes, const Pair& pair) {
  const double ours = gibibytes_per_second(pair.ours);
  const std::string name = direction + " by value, " + beside.kind + ", " + text_of(bytes);
  print_row(beside.group, name + " | " + beside.peer, ours, gibibytes_per_second(pair.peer),
            1 / pair.ratio, "GiB/s", Better::higher,
            bytes < beside.large ? beside.goal_of_small : beside.goal_of_large);
  CaseRows(peers, beside.group, name, "GiB/s", Better::higher)
      .beside_file(ours, std::string(beside.python) + ' ' + direction + ' ' + text_of(bytes),
                   beside.python_name, bytes < beside.python_from ? 0 : 4);
  return ours;
}

// How much slower than a neighbour the worst size is, of the large ones.
void row_of_neighbours(const Beside& beside, const std::string& direction,
                       const std::vector<double>& rates) {
  double slowest = rates[0], neighbour = rates[1];
  for (std::size_t i = 1; i != rates.size(); ++i) {
    const auto [low, high] = std::minmax(rates[i - 1], rates[i]);
    if (high / low <= neighbour / slowest) continue;
    slowest = low;
    neighbour = high;
  }
  print_row(
      beside.group,
      direction + " by value, " + beside.kind + ", a size's time for a byte | its neighbour's",
      1 / slowest, 1 / neighbour, neighbour / slowest, "s/GiB", Better::lower, 1.5);
}

template <class Peer>
void rows_of_values(const Peers& peers, const Beside& beside, Parallel& parallel) {
  std::vector<double> large_arguments, large_results;
  for (const std::size_t bytes : sizes) {
    const std::vector<Value> values(bytes_of_call / bytes, value_of(bytes));
    Peer peer(bytes);
    const auto arguments = [&] {
      sink = parallel(values | std::views::transform([](const Value& value) {
                        return delayed<last_of>(std::cref(value));
                      }))[0];
    };
    const auto results = [&] {
      for (const Value& value : parallel.generator(
               std::views::iota(std::size_t{0}, values.size()) |
               std::views::transform([=](std::size_t) { return delayed<value_of>(bytes); })))
        sink = value.back();
    };
    const auto passed = [&] { peer.pass(values); };
    const double argument_rate =
        row_of_size(peers, beside, "arguments", bytes, in_turn(arguments, passed, runs));
    const double result_rate =
        row_of_size(peers, beside, "results", bytes, in_turn(results, passed, runs));
    if (bytes < 32 * kib) continue;
    large_arguments.push_back(argument_rate);
    large_results.push_back(result_rate);
  }
  row_of_neighbours(beside, "arguments", large_arguments);
  row_of_neighbours(beside, "results", large_results);
}

void rows_of_processes(const Peers& peers) {
  Parallel parallel({.n_jobs = workers, .backend = "processes", .max_nbytes = over_all_sizes});
  rows_of_values<ValueRing>(peers,
                            {"processes", "processes", "memcpy into a ring and out", 32 * kib, 0.15,
                             0.35, "loky", "joblib " + peers.text("joblib") + " loky", 128 * kib},
                            parallel);
}

void rows_of_cluster(const Peers& peers, const std::string& command) {
  const Daemons daemons(command, false, 2);
  Parallel parallel({.backend = "zeromq",
                     .max_nbytes = over_all_sizes,
                     .backend_options = ZeromqOptions{.scheduler = daemons.address()}});
  rows_of_values<RawFrames>(peers,
                            {"cluster", "two nodes", "raw ZeroMQ frames", 16 * kib + 1, 0.2, 0.4,
                             "Dask", "Dask " + peers.text("Dask version"), 0},
                            parallel);
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  using namespace paracord::bench;
  const std::string group = argc > 2 ? argv[1] : "";
  if (group == "processes") return rows_of_processes(Peers(argv[2])), 0;
  if (group == "cluster" && argc > 3) return rows_of_cluster(Peers(argv[2]), argv[3]), 0;
  std::fputs("usage: paracord_values_bench processes FILE | cluster FILE COMMAND\n", stderr);
  return 2;
}
