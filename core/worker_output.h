#pragma once

#include "paracord/core/observer.h"

namespace paracord::detail {

/// Writes it to this process's own stdout or stderr, each line marked with the worker that has
/// printed it: "[worker 1, pid 42] ", "[worker 1 on host, pid 42] ".
///
/// Threads: any; lines do not mix.
void print_worker_output(const Observer::WorkerOutput& output);

}  // namespace paracord::detail
