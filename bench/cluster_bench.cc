// Group `cluster`: parallel calls on two nodes of one slot each, on this machine, beside Dask and
// what sockets allow. Usage: paracord_cluster_bench COMMAND FILE_OF_PEERS, with the `paracord`
// command; the program runs itself anew for what needs a fresh process: --cold.

#include <limits.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ranges>
#include <span>
#include <thread>
#include <zmq.hpp>

#include "paracord/bench/daemons.h"
#include "paracord/bench/harness.h"
#include "paracord/bench/peers.h"
#include "paracord/paracord.h"

namespace paracord::bench {
namespace {

constexpr const char* group = "cluster";
constexpr int many = 100'000, few = 20'000, rounds = 500;
constexpr double us = 1e6, ms = 1e3;
constexpr std::size_t array_items = (std::size_t{1} << 30) / sizeof(double);

double trivial(double x) {
  return x;
}
double ends_of(std::span<const double> array) {
  return array.front() + array.back();
}
// An array, and the seconds that it took to make it.
std::pair<Array<double>, double> make_array(double value) {
  auto made = Array<double>::uninitialized({array_items});
  const double taken = seconds([&] { std::fill_n(made.data(), made.size(), value); });
  return {std::move(made), taken};
}
int pause_of_50_ms(int i) {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return i;
}

volatile double sink;

auto tasks(int count) {
  return std::views::iota(0, count) |
         std::views::transform([](int i) { return delayed<trivial>(i); });
}

// The cluster, as a child that ends with this object.
class Cluster {
 public:
  explicit Cluster(const std::string& command) {
    const std::string line = "exec " + command + " local --nodes 2 --slots 1 2>/dev/null";
    int ends[2];
    if (pipe(ends) != 0) std::exit(1);
    pid_ = fork();
    if (pid_ == 0) {
      dup2(ends[1], 1);
      execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
      _exit(127);
    }
    close(ends[1]);
    FILE* said = fdopen(ends[0], "r");
    char text[256] = {};
    if (fgets(text, sizeof text, said) == nullptr) std::exit(1);
    std::string address = std::strchr(text, '=') + 1;
    address.pop_back();
    setenv("PARACORD_SCHEDULER", address.c_str(), 1);
  }
  ~Cluster() {
    kill(pid_, SIGTERM);
    waitpid(pid_, nullptr, 0);
  }

 private:
  int pid_ = 0;
};

double cold_start() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
  path[length] = '\0';
  FILE* child =
      popen((std::string("env -u PARACORD_SCHEDULER '") + path + "' --cold").c_str(), "r");
  double seconds = 0;
  if (fscanf(child, "%lf", &seconds) != 1) seconds = 1e9;
  pclose(child);
  return seconds;
}

int run_cold() {
  const double taken = seconds([] {
    Parallel parallel({.n_jobs = 2, .backend = "zeromq"});
    sink = parallel(tasks(1))[0];
  });
  std::printf("%.9f\n", taken);
  return 0;
}

// One ZeroMQ round trip over tcp between two threads.
double zeromq_round_trip() {
  zmq::context_t context;
  zmq::socket_t server(context, zmq::socket_type::router);
  server.bind("tcp://127.0.0.1:*");
  const std::string address = server.get(zmq::sockopt::last_endpoint);
  std::thread echo([&] {
    zmq::message_t from, body;
    while (server.recv(from) && server.recv(body) && body.size() != 0) {
      server.send(from, zmq::send_flags::sndmore);
      server.send(body, zmq::send_flags::none);
    }
  });
  zmq::socket_t client(context, zmq::socket_type::dealer);
  client.connect(address);
  std::vector<double> times;
  const std::string text(64, 'x');
  for (int i = 0; i != rounds; ++i) {
    times.push_back(seconds([&] {
      client.send(zmq::buffer(text), zmq::send_flags::none);
      zmq::message_t back;
      (void)client.recv(back);
    }));
  }
  client.send(zmq::message_t(), zmq::send_flags::none);
  echo.join();
  return median(times);
}

void tasks_rows(const Peers& peers) {
  Parallel parallel({.backend = "zeromq"});
  Parallel single({.backend = "zeromq", .batch_size = 1});
  std::vector<double> automatic, one, latency;
  sink = parallel(tasks(many))[0];
  for (int run = 0; run != 7; ++run) {
    automatic.push_back(seconds([&] { sink = parallel(tasks(many))[0]; }) / many * us);
    one.push_back(seconds([&] { sink = single(tasks(few))[0]; }) / few * us);
  }
  for (int run = 0; run != rounds; ++run)
    latency.push_back(seconds([&] { sink = parallel(tasks(1))[0]; }));
  CaseRows auto_rows(peers, group, "10^5 trivial tasks, automatic batches", "us/task",
                     Better::lower);
  auto_rows.bound(median(automatic), 3);
  auto_rows.beside_file(median(automatic), "Dask map us",
                        "Dask " + peers.text("Dask version") + " map", 1);
  CaseRows single_rows(peers, group, "2*10^4 tasks, batch_size = 1", "us/task", Better::lower);
  single_rows.bound(median(one), 20);
  CaseRows latency_rows(peers, group, "one task, submit to result, p50", "us", Better::lower);
  latency_rows.beside(median(latency) * us, "ZeroMQ tcp round trip", zeromq_round_trip() * us, 5);
  latency_rows.beside_file(median(latency) * us, "Dask latency us", "Dask", 1);
}

// The median of some calls in turn.
double seconds_of_ten_tasks(Parallel& parallel) {
  std::vector<double> taken;
  for (int call = 0; call != 100; ++call)
    taken.push_back(seconds([&] { sink = parallel(tasks(10))[9]; }));
  return median(taken);
}

// Made and measured inside of a task.
double nested_call(int) {
  Parallel parallel({.backend = "zeromq"});
  return seconds_of_ten_tasks(parallel);
}

void nested_row(const Peers& peers) {
  Parallel parallel({.backend = "zeromq"});
  std::vector<double> nested, top;
  for (int run = 0; run != 5; ++run) {
    nested.push_back(parallel(std::views::iota(0, 1) | std::views::transform([](int i) {
                                return delayed<nested_call>(i);
                              }))[0]);
    top.push_back(seconds_of_ten_tasks(parallel));
  }
  CaseRows(peers, group, "nested call of 10 trivial tasks", "us", Better::lower)
      .beside(median(nested) * us, "the same at top level", median(top) * us, 3);
}

void start_rows(const Peers& peers) {
  std::vector<double> starts;
  for (int run = 0; run != 7; ++run) starts.push_back(cold_start() * ms);
  CaseRows rows(peers, group, "embedded cluster, start to first result", "ms", Better::lower);
  rows.bound(median(starts), 100);
  rows.beside_file(median(starts), "Dask LocalCluster ms", "Dask LocalCluster", 1);
}

void array_rows(const Peers& peers) {
  // So that the bytes really travel.
  Parallel parallel({.n_jobs = 1,
                     .backend = "zeromq",
                     .backend_options = ZeromqOptions{.share_memory = false, .isolate = true}});
  sink = parallel(tasks(1))[0];
  std::vector<double> fresh, again, frozen;
  for (int run = 0; run != 3; ++run) {
    auto array = Array<double>::uninitialized({array_items});
    std::fill_n(array.data(), array_items, 1.0 + run);
    const std::span<const double> view = std::as_const(array).as_span();
    const auto call = [&] {
      return seconds([&] {
        sink = parallel(std::views::iota(0, 1) |
                        std::views::transform([&](int) { return delayed<ends_of>(view); }))[0];
      });
    };
    fresh.push_back(1 / call());
    again.push_back(call() * ms);
    array.freeze();
    (void)call();
    frozen.push_back(call() * ms);
  }
  CaseRows fresh_rows(peers, group, "1 GiB array, client to one node", "GiB/s", Better::higher);
  fresh_rows.beside_file(median(fresh), "Dask array GiB/s", "Dask", 1);
  CaseRows(peers, group, "the same span again", "ms", Better::lower).bound(median(again), 60);
  CaseRows(peers, group, "the same frozen array again", "ms", Better::lower)
      .bound(median(frozen), 2);
  Parallel sharing(
      {.n_jobs = 1, .backend = "zeromq", .backend_options = ZeromqOptions{.isolate = true}});
  sink = sharing(tasks(1))[0];
  std::vector<double> results, looked_at;
  for (int run = 0; run != 5; ++run) {
    double production = 0;
    std::vector<std::pair<Array<double>, double>> made;
    const double whole = seconds([&] {
      made = parallel(std::views::iota(0, 1) |
                      std::views::transform([&](int) { return delayed<make_array>(2.0 + run); }));
      sink = std::as_const(made[0].first).data()[array_items - 1];
      production = made[0].second;
    });
    results.push_back(1 / (whole - production));
    made[0].first.freeze();
    looked_at.push_back(seconds([&] {
      const std::span<const double> view = std::as_const(made[0].first).as_span();
      sink = sharing(std::views::iota(0, 1) |
                     std::views::transform([&](int) { return delayed<ends_of>(view); }))[0];
    }));
  }
  CaseRows(peers, group, "1 GiB frozen result, looked at by a node of this machine", "ms",
           Better::lower)
      .beside(median(looked_at) * ms, "fetched", 1 / median(fresh) * ms, 0.5);
  CaseRows(peers, group, "1 GiB result to the client", "GiB/s", Better::higher)
      .beside_file(median(results), "Dask result GiB/s", "Dask", 3);
}

ParallelOptions options_of(const Daemons& daemons) {
  return {.backend = "zeromq",
          .backend_options = ZeromqOptions{.scheduler = daemons.address(), .keys = daemons.keys()}};
}

// The same tasks with keys and without, in turn.
void keys_rows(const Peers& peers, const std::string& command) {
  const Daemons with(command, true, 2), without(command, false, 2);
  std::vector<double> times[2];
  Parallel encrypted(options_of(with)), plain(options_of(without));
  sink = encrypted(tasks(many))[0] + plain(tasks(many))[0];
  for (int run = 0; run != 7; ++run) {
    times[0].push_back(seconds([&] { sink = encrypted(tasks(many))[0]; }) / many * us);
    times[1].push_back(seconds([&] { sink = plain(tasks(many))[0]; }) / many * us);
  }
  CaseRows(peers, group, "10^5 trivial tasks over tcp, with CURVE", "us/task", Better::lower)
      .beside(median(times[0]), "without", median(times[1]), 1.3);
}

// What the loss of one of two nodes costs beside its share of the work.
void loss_rows(const Peers& peers, const std::string& command) {
  constexpr int count = 200;
  constexpr double task = 0.05, limit = 1;
  Daemons daemons(command, false, 2, {"--suspect-after", "0.5", "--node-lost-after", "1"});
  sink = Parallel(options_of(daemons))(tasks(many))[0];
  Parallel parallel(options_of(daemons));  // which has no batches of trivial tasks in mind
  double longest_gap = 0;
  int results = 0;
  auto last = std::chrono::steady_clock::now();
  for (const int i :
       parallel.generator(std::views::iota(0, count) | std::views::transform([](int i) {
                            return delayed<pause_of_50_ms>(i);
                          }))) {
    const auto now = std::chrono::steady_clock::now();
    longest_gap = std::max(longest_gap, std::chrono::duration<double>(now - last).count());
    last = now;
    sink = i;
    if (++results == count / 4) daemons.kill_last_node();
  }
  CaseRows(peers, group, "a node is killed: the longest wait for the next result", "s",
           Better::lower)
      .beside(longest_gap, "detection limit and one task", limit + task, 1);
}

}  // namespace
}  // namespace paracord::bench

int main(int argc, char** argv) {
  paracord::initialize(argc, argv);
  using namespace paracord::bench;
  if (argc > 1 && std::strcmp(argv[1], "--cold") == 0) return run_cold();
  if (argc < 3) {
    std::fputs("usage: paracord_cluster_bench COMMAND FILE_OF_PEERS\n", stderr);
    return 2;
  }
  const Peers peers(argv[2]);
  start_rows(peers);
  keys_rows(peers, argv[1]);
  loss_rows(peers, argv[1]);
  const Cluster cluster(argv[1]);
  tasks_rows(peers);
  nested_row(peers);
  array_rows(peers);
}
