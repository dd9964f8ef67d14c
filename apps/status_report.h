#pragma once

#include <string>

#include "paracord/scheduler/scheduler.h"
#include "paracord/transport/control_server.h"

namespace paracord::apps {

/// What `paracord status --json` prints.
std::string status_as_json(const cluster::SchedulerView& view,
                           const cluster::ControlServer::Counters& links);
/// For the dashboard: all of that, and what has happened lately.
std::string state_as_json(const cluster::SchedulerView& view,
                          const cluster::ControlServer::Counters& links);
/// The status, read back, as a table for people. Throws std::runtime_error for what is no status.
std::string status_as_table(const std::string& json);

}  // namespace paracord::apps
