#pragma once

#include <string>

#include "paracord/backends/zeromq/node_agent.h"
#include "paracord/scheduler/server/scheduler_server.h"

/// What the daemons tell Prometheus, in its text format. No label names a task, a client or a
/// machine: their number is bounded. docs/operations.md explains each.
namespace paracord::apps {

std::string scheduler_metrics(const cluster::SchedulerServer::Seen& seen);
std::string node_metrics(const cluster::NodeAgent::Seen& seen);

}  // namespace paracord::apps
