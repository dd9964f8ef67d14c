#pragma once

#include "paracord/scheduler/state.h"

namespace paracord::cluster::scheduling {

/// Without what has happened before.
SchedulerView view_of(const State& state);

}  // namespace paracord::cluster::scheduling
