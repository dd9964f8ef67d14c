#include "paracord/core/scope.h"

#include <unistd.h>

#include <stdexcept>

#include "paracord/core/describe_error.h"
#include "paracord/core/guarded.h"
#include "paracord/core/resolve.h"
#include "paracord/core/worker.h"

namespace paracord {
namespace detail {

ThreadScope& this_thread_scope() {
  thread_local ThreadScope scope;
  return scope;
}

namespace {

Guarded<ClusterAssignment>& assignment_of_process() {
  static auto& assignment = *new Guarded<ClusterAssignment>();
  return assignment;
}

}  // namespace

ClusterAssignment current_assignment() {
  return assignment_of_process().with([](const ClusterAssignment& known) { return known; });
}

void set_current_assignment(const ClusterAssignment& assignment) {
  assignment_of_process().with([&](ClusterAssignment& known) { known = assignment; });
}

void refuse_calls_in_callbacks() {
  const char* callback = this_thread_scope().callback;
  if (callback == nullptr) return;
  throw std::logic_error(
      std::string("a parallel call cannot be made, nor its results be read, in ") + callback +
      ": it runs while the library collects results or sends tasks, which "
      "cannot go on before it returns; do that in the task, or in the caller");
}

std::size_t current_max_nbytes() {
  const ParallelOptions* config = this_thread_scope().config;
  return config != nullptr && config->max_nbytes ? *config->max_nbytes : default_max_nbytes;
}

TaskScope::TaskScope(RunningTask& task, int nesting_level, const std::string& nested_backend)
    : saved_(this_thread_scope()) {
  this_thread_scope() =
      ThreadScope{nullptr, nesting_level, saved_.depth + 1, &nested_backend, &task};
}

TaskScope::TaskScope(RunningTask& task) : saved_(this_thread_scope()) {
  this_thread_scope().task = &task;
  this_thread_scope().depth += 1;
}

TaskScope::~TaskScope() {
  this_thread_scope() = saved_;
}

}  // namespace detail

Worker this_worker() {
  const detail::ThreadScope& scope = detail::this_thread_scope();
  Worker worker;
  worker.host = detail::host_name();
  worker.pid = static_cast<int>(getpid());
  worker.nesting_level = scope.nesting_level;
  if (scope.task != nullptr) {
    worker.index = scope.task->worker;
    worker.attempt = scope.task->attempt;
  }
  return worker;
}

bool stop_requested() {
  const detail::RunningTask* task = detail::this_thread_scope().task;
  return task != nullptr && task->call->stop_requested(*task);
}

}  // namespace paracord
