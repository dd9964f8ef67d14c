#pragma once

#include "paracord/core/roles.h"

namespace paracord::cluster {

/// A node of an embedded cluster, as a role of any program.
int run_node_role(int socket);
inline const bool node_role_added = detail::add_role("node", &run_node_role);

}  // namespace paracord::cluster
