#pragma once

#include "paracord/scheduler/state.h"

namespace paracord::cluster::scheduling {

SchedulerView view_of(const State& state);

}  // namespace paracord::cluster::scheduling
