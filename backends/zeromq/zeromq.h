#pragma once

#include <chrono>
#include <cstdint>
#include <string>

/// The backend `zeromq`: tasks run on the nodes of a cluster. Without an address it starts one for
/// itself: a scheduler and a node on this machine, for the life of the program.
namespace paracord {

/// `.backend_options` of the zeromq backend.
struct ZeromqOptions {
  /// The scheduler: tcp://host:port, or ipc://path. Empty: PARACORD_SCHEDULER, and where that is
  /// not set either, an embedded cluster.
  std::string scheduler{};
  /// A folder with the keys that `paracord keygen` has made for clients (client.key,
  /// scheduler.public). Empty: PARACORD_KEYS; where that is not set either, no encryption, which a
  /// scheduler accepts on ipc sockets of the same user only.
  std::string keys{};
  /// The program to run tasks in, as a path on the nodes: for images and shared file systems. It
  /// must be the same build as this program. Empty: this program is sent to nodes that do not have
  /// it.
  std::string worker_binary{};
  /// How long to wait for the scheduler, and for a first node.
  std::chrono::milliseconds connect_timeout{30'000};
  /// How long tasks of a call that was cancelled, or has failed, have to end by themselves.
  std::chrono::milliseconds grace{100};
  /// A task that was running on so many nodes that were lost fails.
  std::uint32_t most_node_losses = 3;
  /// This client's share of the cluster, beside others'.
  std::uint32_t weight = 1;
  /// Nodes on this machine use arrays where they lie: frozen ones, and files, to read and to write.
  /// False: they fetch them and send back what tasks change, as nodes of other machines do.
  bool share_memory = true;
  /// A call with n_jobs = 1 runs on the cluster, too. False: it is a plain loop in the caller, as
  /// joblib's, which contacts no scheduler and takes any callable.
  bool isolate = false;
};

namespace detail {
bool register_zeromq_backend();
inline const bool zeromq_backend_registered = register_zeromq_backend();
}  // namespace detail

}  // namespace paracord
