// The dashboard over a cluster that is simulated: the real scheduler, as many nodes as the first
// argument says, which run tasks in no time at all and report that they took some.
//
// Prints its address, and ends when its standard input does.

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <deque>
#include <map>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "paracord/apps/dashboard.h"
#include "paracord/apps/http_server.h"
#include "paracord/apps/status_report.h"
#include "paracord/tests/scheduler/small_cluster.h"

namespace {

using namespace paracord;
using namespace paracord::cluster;

constexpr PeerId first_node = 1000;
const char* const functions[] = {"double simulate(double, int)", "Image denoise(const Image&)",
                                 "std::vector<double> gradient(ArrayView<const double>)"};

class Simulation {
 public:
  explicit Simulation(int nodes) {
    for (int i = 0; i != nodes; ++i) {
      cluster_.add_node(first_node + static_cast<PeerId>(i), 4);
    }
    for (PeerId id = 1; id <= 3; ++id) {
      auto& client = cluster_.add_client(id, static_cast<std::uint32_t>(id));
      OpenCall call = SmallCluster::call(1);
      call.label = functions[id - 1];
      client.ledger.open_call(call);
    }
  }

  // A twentieth of a second of its life.
  void step() {
    const std::lock_guard<std::mutex> hold(mutex_);
    for (auto& [id, client] : cluster_.clients) {
      for (int i = 0; i != static_cast<int>(cluster_.nodes.size() / 4 + 1); ++i)
        client->ledger.submit(
            SmallCluster::batch(++last_batch_, 1, 1 + static_cast<std::uint32_t>(random_() % 20)));
    }
    cluster_.advance(milliseconds(50));
    bool fails = ++steps_ % 20 == 1;
    for (auto& [id, node] : cluster_.nodes) {
      for (Assign& assign : node->runs()) waiting_[id].push_back(std::move(assign));
      for (std::deque<Assign>& all = waiting_[id]; all.size() > random_() % 4; all.pop_front()) {
        const Assign& assign = all.front();
        cluster_.finish(*node, assign,
                        1'000'000 + static_cast<std::int64_t>(random_() % 190'000'000));
        if (std::exchange(fails, false))
          node->ledger.failed(assign.client, functions[assign.client - 1],
                              "std::runtime_error: the matrix is singular <b>at row 7</b>");
      }
      node->effects.clear();
      received_ += 1'000'000;
      if (steps_ % 20 == id % 20)
        node->ledger.report({random_() % (1u << 30), 1u << 30, 0, received_ / 2, received_, 0, {}});
    }
    for (auto& [id, client] : cluster_.clients) {
      cluster_.keep_all(*client);
      client->effects.clear();
    }
    cluster_.settle();
  }

  std::string state() {
    const std::lock_guard<std::mutex> hold(mutex_);
    return apps::state_as_json(cluster_.scheduler->view(cluster_.now), {});
  }

 private:
  std::mutex mutex_;
  SmallCluster cluster_;
  std::map<PeerId, std::deque<Assign>> waiting_;
  std::mt19937 random_{7};
  BatchId last_batch_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t received_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  Simulation simulation(argc > 1 ? std::atoi(argv[1]) : 24);
  for (int i = 0; i != 40; ++i) simulation.step();
  apps::HttpServer server({"127.0.0.1:0", ""});
  using Access = apps::HttpServer::Access;
  server.get("/", Access::guarded, [] {
    return apps::HttpServer::Reply{apps::dashboard_page, "text/html; charset=utf-8"};
  });
  server.get("/api/state", Access::guarded, [&simulation] {
    return apps::HttpServer::Reply{simulation.state(), "application/json"};
  });
  std::printf("%s\n", server.start().c_str());
  std::fflush(stdout);
  std::atomic<bool> ended{false};
  std::thread reader([&ended] {
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    ended.store(true);
  });
  while (!ended.load()) {
    simulation.step();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  reader.join();
  return 0;
}
