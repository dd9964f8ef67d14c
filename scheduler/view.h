#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "paracord/core/cluster_ids.h"

namespace paracord::cluster {

/// What a scheduler sees of its cluster: for people, metrics and tests.
struct SchedulerView {
  struct Node {
    PeerId id;
    std::string name, state;  ///< up, suspect, draining
    std::uint32_t slots, lent, running, busy;
    std::uint64_t objects, object_bytes;
    /// As it has reported last.
    std::uint64_t memory_bytes, memory_limit, spilled_bytes, sent_bytes, received_bytes,
        workers_lost;
    std::uint32_t waiting = 0;  ///< batches whose task waits for others
    std::uint32_t usable = 0;   ///< slots that are free, or with tasks that wait for nobody
  };
  struct Client {
    PeerId id, root;
    std::string name;
    std::uint32_t weight;
    std::uint64_t queued_tasks, running_tasks, done_tasks, queued_bytes;
    double slot_seconds;
  };
  struct Function {
    std::string name;
    std::uint64_t tasks, failed;
    double seconds;  ///< of slots
  };
  /// A batch that has ended: tasks of one function that one slot has run.
  struct Ended {
    PeerId node;
    std::string function;
    std::uint32_t tasks;
    Time at;
    double seconds;
  };
  struct Failure {
    std::string function, client, node, text;
    std::uint32_t tasks;
    Time at;
  };
  /// How long batches have waited for a node.
  struct QueueTimes {
    static constexpr std::array<double, 8> bounds = {0.001, 0.01, 0.1, 1, 10, 60, 600, 3600};
    std::array<std::uint64_t, bounds.size() + 1> counts{};  ///< not above each bound; above all
    double seconds = 0;
  };
  Time now{};
  std::uint64_t epoch = 0;
  std::vector<Node> nodes;
  std::vector<Client> clients;
  std::vector<Function> functions;  ///< those that took most first
  std::vector<Ended> ended;         ///< the last ones, oldest first
  std::vector<Failure> failures;    ///< so are these
  QueueTimes queue_times{};
  std::uint64_t tasks_queued = 0, tasks_assigned = 0, tasks_done = 0, tasks_failed = 0,
                tasks_returned = 0, nodes_lost = 0, clients_lost = 0, resyncs = 0;
  std::uint64_t tasks_running = 0;  ///< with nodes now
  std::uint64_t payload_bytes = 0;
  double demand_seconds = 0;  ///< of work left, of all clients, what they have not shown included
};

}  // namespace paracord::cluster
