#include "paracord/scheduler/server/scheduler_role.h"

#include <cstdio>
#include <exception>

#include "paracord/core/service_thread.h"
#include "paracord/scheduler/server/scheduler_server.h"

namespace paracord::cluster {

int run_scheduler_role(int socket) {
  detail::RoleOrder order;
  if (!detail::read_order(socket, order)) return 3;
  try {
    SchedulerServer::Options options;
    options.control.listen = {order.address};
    SchedulerServer server(std::move(options));
    detail::service_thread([&] {
      detail::wait_for_end(socket);
      std::_Exit(0);
    }).detach();
    detail::report_ready(socket);
    server.run();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "paracord: the embedded scheduler cannot start: %s\n", error.what());
    return 3;
  }
}

}  // namespace paracord::cluster
