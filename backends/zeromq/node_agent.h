#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "paracord/backends/zeromq/object_store.h"
#include "paracord/backends/zeromq/program_cache.h"
#include "paracord/transport/control_link.h"

namespace paracord::cluster {

/// A node: takes batches from the scheduler, fetches what they need, runs them in workers of the
/// clients' own programs, and keeps the results until the clients have them.
///
/// Threads: drain() and stop() from any, also out of signal handlers; run() by one.
class NodeAgent {
 public:
  struct Options {
    ControlLink::Options scheduler;
    std::string name;               ///< empty: the host's
    std::uint32_t slots = 0;        ///< tasks at once; 0: the CPUs that this process may use
    std::uint32_t most_parked = 0;  ///< waiting tasks that may lend their slots; 0: 4 for each slot
    std::string data_listen = "tcp://*:*";
    std::string advertise;  ///< the host of data_listen as others reach it; empty: the host's name
    ObjectStore::Options store{};
    ProgramCache::Options programs{};
    std::size_t worker_memory_bytes = 0;  ///< a worker that takes more is killed; 0: no limit
    std::map<std::string, std::string> worker_environment{};  ///< for calls inside tasks, above all
    std::uint64_t embedded =
        0;  ///< the number of an embedded cluster: its client's program is ours
    Time drain_limit = std::chrono::minutes(10);  ///< results that nobody fetches are given up then
    std::function<void(const std::string& line)> log;
  };
  explicit NodeAgent(Options options);
  NodeAgent(const NodeAgent&) = delete;
  ~NodeAgent();

  /// Serves until it has drained, or stop(). Returns why it ended early; empty: as asked.
  std::string run();
  /// Takes no new work, gives back what has not begun, ends what runs, waits until its results are
  /// fetched; then run() returns.
  void drain();
  void stop();

  /// Where its data plane listens.
  std::string data_address() const;

  struct Seen {
    std::string state;  ///< connecting, up, draining
    std::uint32_t slots = 0, busy = 0;
    std::uint64_t tasks_done = 0, batches = 0, held_result_bytes = 0, workers_lost = 0,
                  workers_over_memory = 0;
    ObjectStore::Counters store{};
    std::uint64_t sent_bytes = 0, received_bytes = 0, borrowed_bytes = 0;
    Time turned{};  ///< when its loop was there last: twice a second, unless something is amiss
  };
  Seen see();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
