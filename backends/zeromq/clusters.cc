#include "paracord/backends/zeromq/clusters.h"

#include <sys/stat.h>

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <vector>

#include "paracord/backends/zeromq/embedded_cluster.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"
#include "paracord/core/fork.h"
#include "paracord/core/guarded.h"
#include "paracord/core/service_thread.h"
#include "paracord/transport/key_files.h"

namespace paracord::cluster {

namespace {

std::string from_environment(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? std::string() : std::string(text);
}

std::uint64_t number_in(const char* name) {
  return std::strtoull(from_environment(name).c_str(), nullptr, 10);
}

struct Clusters {
  std::unique_ptr<EmbeddedCluster> embedded;
  std::string embedded_trouble;                             // it is broken
  std::map<std::string, std::shared_ptr<ClusterUse>> used;  // by address and keys
};

// Never destroyed: a cluster is used as long as the program runs, also by what it destroys at its
// end. An embedded one ends with the process.
// The child of a fork has none of its threads: it begins with none.
detail::Guarded<Clusters>& clusters() {
  struct Of {
    std::uint64_t forks;
    detail::Guarded<Clusters> all{};
  };
  static std::atomic<Of*> current{nullptr};
  Of* of = current.load(std::memory_order_acquire);
  while (of == nullptr || of->forks != detail::fork_count()) {
    auto* fresh = new Of{detail::fork_count()};
    if (current.compare_exchange_strong(of, fresh)) return fresh->all;
    delete fresh;
  }
  return of->all;
}

// Calls of the embedded cluster learn of it as of what a worker prints.
void child_ended(const std::string& what, bool is_broken) {
  std::vector<std::shared_ptr<ClusterUse>> uses;
  clusters().with([&](Clusters& all) {
    if (is_broken) all.embedded_trouble = what;
    for (const auto& [name, use] : all.used) {
      if (all.embedded != nullptr && use->embedded == all.embedded->number()) uses.push_back(use);
    }
  });
  for (const auto& use : uses) use->client.report(what, is_broken);
}

}  // namespace

bool means_embedded(const ZeromqOptions& options) {
  return options.scheduler.empty() && from_environment("PARACORD_SCHEDULER").empty();
}

std::shared_ptr<ClusterUse> use_cluster(const ZeromqOptions& options, std::uint32_t slots) {
  ClusterClient::Options client;
  client.link.address =
      options.scheduler.empty() ? from_environment("PARACORD_SCHEDULER") : options.scheduler;
  client.root = number_in("PARACORD_ROOT_CLIENT");
  client.weight = options.weight;
  client.shares_memory = options.share_memory;
  const std::string keys = options.keys.empty() ? from_environment("PARACORD_KEYS") : options.keys;
  if (!keys.empty()) {
    client.link.keys = read_key_pair(keys, "client");
    client.link.server_key = read_public_key(keys, "scheduler");
  }
  return clusters().with([&](Clusters& all) {
    std::uint64_t embedded = number_in("PARACORD_EMBEDDED");
    if (client.link.address.empty()) {
      if (all.embedded == nullptr) all.embedded = std::make_unique<EmbeddedCluster>(&child_ended);
      if (!all.embedded_trouble.empty()) throw BackendUnavailable(all.embedded_trouble);
      all.embedded->grow(slots);
      client.link.address = all.embedded->address();
      embedded = all.embedded->number();
    }
    auto& use = all.used[client.link.address + " " + client.link.server_key + " " +
                         client.link.keys.public_key + (client.shares_memory ? "" : " apart")];
    if (use == nullptr) {
      // ZeroMQ opens descriptors of its own, now and later.
      detail::fill_standard_descriptors();
      // ZeroMQ's sockets are made here: a signal of the program's must not come between.
      const detail::ProgramSignalsBlocked blocked;
      use = std::make_shared<ClusterUse>(client);
      use->embedded = embedded;
    }
    return use;
  });
}

}  // namespace paracord::cluster
