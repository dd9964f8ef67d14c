// paracord local: a whole cluster on this machine.

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <vector>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/signals.h"
#include "paracord/backends/processes/spawn.h"
#include "paracord/core/guarded.h"

extern char** environ;

namespace paracord::apps {

namespace {

struct LocalOptions {
  int nodes = 1;
  int slots = 0;
  std::string address, http, token_file;
};

int start(const std::vector<std::string>& arguments) {
  std::vector<std::string> all{"paracord"};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> pointers;
  for (std::string& argument : all) pointers.push_back(argument.data());
  pointers.push_back(nullptr);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
  int pid = 0;
  const int error =
      posix_spawn(&pid, "/proc/self/exe", nullptr, &attributes, pointers.data(), environ);
  posix_spawnattr_destroy(&attributes);
  if (error != 0) throw std::runtime_error("cannot start paracord " + arguments.front());
  return pid;
}

/// The daemons of the cluster, started again where they end before their time.
///
/// Threads: end() by any; the rest by one.
class Daemons {
 public:
  void add(std::vector<std::string> arguments) {
    Daemon daemon{std::move(arguments)};
    daemon.pid = start(daemon.arguments);
    daemons_.with([&](auto& all) { all.push_back(std::move(daemon)); });
  }
  /// From now on none is started again. The nodes come to their end first: they have results to
  /// deliver.
  void end() {
    daemons_.with([&](auto& all) {
      ending_ = true;
      for (const Daemon& daemon : all) {
        if (daemon.pid != 0 && daemon.is_node()) kill(daemon.pid, SIGTERM);
      }
    });
  }
  /// Waits until all have ended; the worst of their exit codes.
  int wait() {
    int worst = all_right;
    int status = 0;
    while (true) {
      const int pid = waitpid(-1, &status, 0);
      if (pid < 0 && errno == EINTR) continue;
      if (pid < 0) return worst;
      if (ended(pid, status)) continue;
      if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) worst = failed;
    }
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr auto quick_end = std::chrono::seconds(2);
  static constexpr int max_quick_ends = 3;
  struct Daemon {
    std::vector<std::string> arguments;
    int pid = 0;
    Clock::time_point started = Clock::now();
    int quick_ends = 0;  // in a row
    bool is_node() const { return arguments.front() == "node"; }
  };

  // Whether another one was started in its place.
  bool ended(int pid, int status) {
    return daemons_.with([&](std::vector<Daemon>& all) {
      const auto daemon = std::find_if(all.begin(), all.end(),
                                       [&](const Daemon& known) { return known.pid == pid; });
      if (daemon == all.end()) return true;  // of a daemon that has ended
      daemon->pid = 0;
      if (!ending_) {
        daemon->quick_ends =
            Clock::now() - daemon->started < quick_end ? daemon->quick_ends + 1 : 0;
        const bool again = daemon->quick_ends < max_quick_ends;
        std::fprintf(
            stderr, "paracord local: the %s (pid %d) %s; %s\n", daemon->arguments.front().c_str(),
            pid, detail::text_of_end(status).c_str(),
            again ? "another one is started" : "it ends too often, and the cluster with it");
        if (again) {
          daemon->started = Clock::now();
          daemon->pid = start(daemon->arguments);
          return true;
        }
        ending_ = true;
        for (const Daemon& other : all) {
          if (other.pid != 0) kill(other.pid, SIGTERM);
        }
      }
      const bool nodes_left = std::any_of(all.begin(), all.end(), [](const Daemon& known) {
        return known.pid != 0 && known.is_node();
      });
      if (nodes_left) return false;
      for (const Daemon& scheduler : all) {
        if (scheduler.pid != 0) kill(scheduler.pid, SIGTERM);
      }
      return false;
    });
  }

  bool ending_ = false;  // with daemons_
  detail::Guarded<std::vector<Daemon>> daemons_;
};

int serve(const LocalOptions& options) {
  const std::string address =
      options.address.empty() ? "ipc://" + private_folder() + "/local-" + std::to_string(getpid())
                              : options.address;
  Daemons daemons;
  Termination termination;
  const std::string lifeline = std::to_string(getpid());
  std::vector<std::string> for_scheduler{"scheduler", "--listen", address, "--ends-with", lifeline};
  if (!options.http.empty()) for_scheduler.insert(for_scheduler.end(), {"--http", options.http});
  if (!options.token_file.empty())
    for_scheduler.insert(for_scheduler.end(), {"--http-token-file", options.token_file});
  daemons.add(std::move(for_scheduler));
  for (int i = 0; i != options.nodes; ++i) {
    std::vector<std::string> arguments{"node",
                                       "--scheduler",
                                       address,
                                       "--ends-with",
                                       lifeline,
                                       "--name",
                                       "local-" + std::to_string(i)};
    if (options.slots > 0) {
      arguments.push_back("--slots");
      arguments.push_back(std::to_string(options.slots));
    }
    daemons.add(std::move(arguments));
  }
  const auto end = [&daemons] { daemons.end(); };
  const auto served = termination.serve(end, end);
  std::printf("export PARACORD_SCHEDULER=%s\n", address.c_str());
  std::fflush(stdout);
  const int worst = daemons.wait();
  if (options.address.empty()) unlink(address.c_str() + 6);
  return worst;
}

}  // namespace

void add_local_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "local", "Run a whole cluster on this machine; prints the line that programs need to use it");
  const auto options = std::make_shared<LocalOptions>();
  add_config(*command);
  command->add_option("--nodes", options->nodes, "How many")->check(CLI::Range(1, 1000));
  command->add_option("--slots", options->slots, "Tasks at once on each [all CPUs, for each]");
  command->add_option("--listen", options->address,
                      "ipc://PATH [a socket that only this user can reach]");
  command->add_option("--http", options->http,
                      "HOST:PORT for the dashboard, say 127.0.0.1:7780 [none]");
  command->add_option("--http-token-file", options->token_file,
                      "Whoever has this token sees the dashboard from elsewhere, too");
  command->callback([options, &exit_code] { exit_code = serve(*options); });
}

}  // namespace paracord::apps
