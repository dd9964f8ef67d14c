#include "paracord/backends/zeromq/node_role.h"

#include <cstdio>
#include <exception>

#include "paracord/backends/zeromq/node_agent.h"
#include "paracord/core/service_thread.h"

namespace paracord::cluster {

int run_node_role(int socket) {
  detail::RoleOrder order;
  if (!detail::read_order(socket, order)) return 3;
  try {
    NodeAgent::Options options;
    options.scheduler.address = order.address;
    options.slots = order.slots;
    options.data_listen = order.data_address;
    options.embedded = order.cluster;
    options.worker_environment["PARACORD_SCHEDULER"] = order.address;
    options.worker_environment["PARACORD_EMBEDDED"] = std::to_string(order.cluster);
    NodeAgent agent(std::move(options));
    // Its workers end with it.
    detail::service_thread([&] {
      detail::wait_for_end(socket);
      std::_Exit(0);
    }).detach();
    detail::report_ready(socket);
    const std::string trouble = agent.run();
    if (!trouble.empty()) std::fprintf(stderr, "paracord: an embedded node: %s\n", trouble.c_str());
    std::_Exit(trouble.empty() ? 0 : 3);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "paracord: an embedded node cannot start: %s\n", error.what());
    return 3;
  }
}

}  // namespace paracord::cluster
