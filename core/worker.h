#pragma once

#include <string_view>

namespace paracord {

/// Where the calling code runs.
struct Worker {
  int index = -1;  ///< 0 … workers − 1, different for all tasks of a call that run at once; −1
                   ///< outside tasks
  std::string_view host;  ///< this machine's name
  int pid = 0;
  int attempt = 1;        ///< of the task: 1 at first, more with `retries`
  int nesting_level = 0;  ///< of the calls made here: 0 outside tasks
};

/// The worker that runs the calling task.
Worker this_worker();

/// Whether the calling task should end early: its call was cancelled, has failed, or is over time,
/// or the task itself is over its task_timeout. A long task on threads asks this now and then,
/// since a thread cannot be stopped from outside. Outside a task: false.
bool stop_requested();

}  // namespace paracord
