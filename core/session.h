#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_set>

#include "paracord/core/backend.h"
#include "paracord/core/event.h"
#include "paracord/core/fork.h"
#include "paracord/core/guarded.h"
#include "paracord/core/options.h"

namespace paracord::detail {

/// What a Parallel object keeps from call to call.
///
/// Threads: `busy` and the initialised threads from any; the rest by the thread whose call runs.
struct Session {
  ~Session();

  ParallelOptions options;
  std::string backend_name;
  std::unique_ptr<ParallelBackendBase> backend;
  std::string substitute_name;  // the backend that stands in for ours, once it was needed
  std::unique_ptr<ParallelBackendBase> substitute;
  int n_jobs = 1;
  std::atomic<bool> busy{false};
  /// Initializers run one at a time, under no lock: they may take long, and make calls.
  struct Initialised {
    std::unordered_set<std::uint64_t> threads;
    bool one_runs = false;
  };
  Guarded<Initialised> initialised;
  Event initializer_ended;
  std::uint64_t forks = fork_count();

  /// This process is the child of a fork: the threads that ran the calls, and whatever they held
  /// then, are its parent's. What is theirs is not waited for, and not destroyed either.
  bool is_an_ancestors() const { return forks != fork_count(); }
  /// A backend of this process's own in place of an ancestor's.
  void begin_anew();
  /// The stand-in of this name.
  ParallelBackendBase& substitute_backend(const std::string& name);

  /// Runs the initializer where this thread has not done so for this object.
  void initialise_this_thread();
};

/// Takes a session for one call. Throws std::logic_error where one runs already.
class SessionUse {
 public:
  explicit SessionUse(Session& session);
  SessionUse(const SessionUse&) = delete;
  ~SessionUse();

 private:
  Session& session_;
};

}  // namespace paracord::detail
