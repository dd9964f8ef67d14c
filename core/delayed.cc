#include "paracord/core/delayed.h"

#include <stdexcept>

#include "paracord/core/scope.h"
#include "paracord/core/task.h"

namespace paracord::detail {

void refuse_large_copy(std::size_t bytes, std::size_t argument, std::string (*type)()) {
  const std::size_t limit = current_max_nbytes();
  if (bytes <= limit) return;
  throw std::invalid_argument(
      "delayed: argument " + std::to_string(argument) + ", a " + type() + " of " +
      std::to_string(bytes) + " bytes, would be copied for this task (max_nbytes is " +
      std::to_string(limit) +
      "); pass std::cref(x) to borrow it for the call, or paracord::copy(x) to copy it");
}

void refuse_task_copy(std::string (*type)()) {
  throw std::invalid_argument(
      "Task: " + type() +
      " has an argument that can only be moved, so the task cannot be copied; leave "
      "`retries` unset, or pass copyable arguments");
}

void refuse_null_callable(std::string (*type)()) {
  throw std::invalid_argument("delayed: the callable, a " + type() +
                              ", is null; give it a function to call");
}

}  // namespace paracord::detail
