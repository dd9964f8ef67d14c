#pragma once

#include "paracord/core/roles.h"

namespace paracord::cluster {

/// The scheduler of an embedded cluster, as a role of any program.
int run_scheduler_role(int socket);
inline const bool scheduler_role_added = detail::add_role("scheduler", &run_scheduler_role);

}  // namespace paracord::cluster
