#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "paracord/backends/zeromq/cluster_client.h"
#include "paracord/backends/zeromq/own_program.h"
#include "paracord/backends/zeromq/zeromq.h"
#include "paracord/core/fork.h"

namespace paracord::cluster {

/// A cluster, as this program is connected to it.
struct ClusterUse {
  explicit ClusterUse(ClusterClient::Options options)
      : client(std::move(options)), program(client.offers()) {}
  std::uint64_t embedded = 0;  ///< the number of an embedded one
  ClusterClient client;
  OwnProgram program;
};

/// The cluster that these options name: one connection for each address and keys, kept as long as
/// the program runs. An embedded one is started with `slots`, and grows where that is more than
/// before. Throws BackendUnavailable, std::invalid_argument.
///
/// Threads: any.
std::shared_ptr<ClusterUse> use_cluster(const ZeromqOptions& options, std::uint32_t slots);

/// Whether such options lead to an embedded cluster.
bool means_embedded(const ZeromqOptions& options);

}  // namespace paracord::cluster
