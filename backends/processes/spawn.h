#pragma once

#include <sched.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

/// Starting a worker: this program's own executable, or the worker program for functions of a
/// shared object in a host that knows nothing of the library.
namespace paracord::detail {

/// Decides which workers can stand in for each other.
struct WorkerSpec {
  std::vector<std::string> environment;  ///< all of it, NAME=value, sorted
  bool own_executable = true;
  std::string program{};  ///< in place of both: another program
  bool relays = false;    ///< its tasks come from elsewhere
  auto operator<=>(const WorkerSpec&) const = default;
};

/// The environment of workers when `n_jobs` of them share the machine: this process's, without what
/// MPI launchers put there, with the threads of OpenMP and the BLAS libraries bounded.
/// `inner_threads`: by this number; 0: by a worker's share of the CPUs, where the program's own
/// environment says nothing. `extra` has the last word.
std::vector<std::string> worker_environment(int n_jobs, int inner_threads,
                                            const std::map<std::string, std::string>& extra);

/// This process's environment, without what MPI launchers put there.
std::vector<std::string> own_environment();

/// The CPUs that the process may use, also where an OpenMP runtime has bound this thread to some of
/// them.
cpu_set_t process_cpus();

/// The child's ends of what connects it to its parent.
struct ChildEnds {
  int socket, output, errors;
  int last_words = -1;  ///< of a process in a role (initialize.h)
};

/// Starts a worker; returns its pid. Everything but these descriptors is closed in it, signals are
/// as at the start of a program, and it leads a process group of its own. Throws
/// BackendUnavailable.
/// `role`: it becomes this in place of a worker (core/roles.h).
int spawn_worker(const WorkerSpec& spec, ChildEnds ends, const char* role = nullptr);

/// How a process has ended, for people: "was ended by signal 9 (SIGKILL, Killed)". `status`: as
/// waitpid() tells it; none where the program has waited for it itself.
std::string text_of_end(std::optional<int> status);

}  // namespace paracord::detail
