#include "paracord/core/resolve.h"

#include <stdexcept>
#include <utility>

#include "paracord/core/number_text.h"
#include "paracord/core/probe.h"
#include "paracord/core/registry.h"
#include "paracord/core/scope.h"

namespace paracord::detail {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw std::invalid_argument(what);
}

template <class T>
void require_at_least(const char* name, const std::optional<T>& value, T least,
                      const char* remedy) {
  if (value && *value < least)
    refuse(std::string(name) + " = " + std::to_string(*value) + " " + remedy);
}

void require_positive(const char* name, const std::optional<Seconds>& value) {
  if (value && !(value->count() > 0)) {
    refuse(std::string(name) + " = " + fixed_text(value->count(), 6) +
           " s must be above zero; leave it unset for no limit");
  }
}

template <class T>
void inherit(std::optional<T>& inner, const std::optional<T>& outer) {
  if (!inner) inner = outer;
}

std::string hinted(const std::optional<Prefer>& prefer) {
  if (prefer == Prefer::threads) return "threads";
  if (prefer == Prefer::processes && is_registered("processes")) return "processes";
  return default_backend_name();
}

std::string backend_without_a_choice(const std::optional<Prefer>& prefer) {
  const ThreadScope& scope = this_thread_scope();
  return scope.nested_backend != nullptr ? *scope.nested_backend : hinted(prefer);
}

// `require = shared_memory` overrules a backend from a scope, not one that the user named in the
// same breath.
void satisfy_requirement(Resolved& resolved, const ParallelOptions& own) {
  if (resolved.options.require != Require::shared_memory) return;
  if (resolved.backend->capabilities().shared_memory) return;
  if (own.backend) {
    refuse(
        "require = shared_memory: the backend '" + resolved.backend_name +
        "' does not share the caller's memory; use backend = \"threads\", or drop the requirement");
  }
  if (resolved.options.verbose.value_or(0) >= 10)
    print_replaced_backend("threads", resolved.backend_name);
  resolved.backend_name = "threads";
  resolved.backend = make_backend("threads");
  resolved.options.n_jobs = own.n_jobs;
  resolved.options.backend_options = own.backend_options;
}

std::string chosen_backend(const ParallelOptions& options) {
  return options.backend ? *options.backend : backend_without_a_choice(options.prefer);
}

void check_inner_threads(const std::string& name, const ParallelBackendBase& backend) {
  if (backend.capabilities().inner_max_num_threads) return;
  refuse("inner_max_num_threads: the backend '" + name +
         "' has no worker processes whose threads it could limit; leave the option out, or choose "
         "a backend with processes");
}

}  // namespace

void check_inner_threads(const ParallelOptions& options) {
  if (!options.inner_max_num_threads) return;
  const std::string name = chosen_backend(options);
  check_inner_threads(name, *make_backend(name));
}

void validate(const ParallelOptions& o) {
  if (o.n_jobs == 0) {
    refuse("n_jobs = 0 has no meaning; use n ≥ 1 for that many workers, or −1 for all CPUs");
  }
  require_at_least("verbose", o.verbose, 0, "must not be negative; 0 is silent");
  require_positive("timeout", o.timeout);
  require_positive("task_timeout", o.task_timeout);
  require_at_least("retries", o.retries, 0, "must not be negative; 0 runs each task once");
  if (o.pre_dispatch && o.pre_dispatch->tasks < 1) {
    refuse("pre_dispatch = " + std::to_string(o.pre_dispatch->tasks) +
           " must be 1 or more tasks; PreDispatch::all reads the whole input first");
  }
  if (o.batch_size && o.batch_size->count != BatchSize::automatic.count &&
      o.batch_size->count < 1) {
    refuse("batch_size = " + std::to_string(o.batch_size->count) +
           " must be 1 or more tasks; BatchSize::automatic measures and chooses");
  }
  require_at_least("inner_max_num_threads", o.inner_max_num_threads, 1,
                   "must be 1 or more threads");
  if (o.max_pending_results == std::size_t{0}) {
    refuse("max_pending_results = 0 would let no task run; use 1 or more");
  }
  if (o.backend && o.backend->empty())
    refuse("backend = \"\" is no name; leave it unset for the default");
  if (o.trace && o.trace->empty()) refuse("trace = \"\" is no file; leave it unset for no trace");
  if (o.prefer == Prefer::processes && o.require == Require::shared_memory) {
    refuse(
        "prefer = processes contradicts require = shared_memory: processes do not share the "
        "caller's memory; "
        "drop one of the two");
  }
}

ParallelOptions merge(ParallelOptions inner, const ParallelOptions& outer) {
  if (!inner.backend || inner.backend == outer.backend) {
    inherit(inner.backend_options, outer.backend_options);
    inherit(inner.inner_max_num_threads, outer.inner_max_num_threads);
  }
  inherit(inner.n_jobs, outer.n_jobs);
  inherit(inner.backend, outer.backend);
  inherit(inner.prefer, outer.prefer);
  inherit(inner.require, outer.require);
  inherit(inner.verbose, outer.verbose);
  inherit(inner.timeout, outer.timeout);
  inherit(inner.task_timeout, outer.task_timeout);
  inherit(inner.retries, outer.retries);
  inherit(inner.pre_dispatch, outer.pre_dispatch);
  inherit(inner.batch_size, outer.batch_size);
  inherit(inner.temp_folder, outer.temp_folder);
  inherit(inner.max_nbytes, outer.max_nbytes);
  inherit(inner.mmap_mode, outer.mmap_mode);
  inherit(inner.initializer, outer.initializer);
  inherit(inner.max_pending_results, outer.max_pending_results);
  inherit(inner.observer, outer.observer);
  inherit(inner.trace, outer.trace);
  inherit(inner.stop_token, outer.stop_token);
  inherit(inner.idempotent, outer.idempotent);
  inherit(inner.priority, outer.priority);
  return inner;
}

Resolved resolve(const ParallelOptions& own) {
  validate(own);
  const ParallelOptions* config = this_thread_scope().config;
  Resolved resolved;
  resolved.options = config != nullptr ? merge(own, *config) : own;
  validate(resolved.options);
  resolved.backend_name = chosen_backend(resolved.options);
  resolved.backend = make_backend(resolved.backend_name);
  satisfy_requirement(resolved, own);
  if (resolved.options.inner_max_num_threads)
    check_inner_threads(resolved.backend_name, *resolved.backend);
  resolved.n_jobs = resolved.options.n_jobs.value_or(resolved.backend->default_n_jobs());
  return resolved;
}

}  // namespace paracord::detail

namespace paracord {

int effective_n_jobs(int n_jobs) {
  ParallelOptions options;
  options.n_jobs = n_jobs;
  const detail::Resolved resolved = detail::resolve(options);
  return resolved.backend->effective_n_jobs(n_jobs);
}

}  // namespace paracord
