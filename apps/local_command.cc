// paracord local: a whole cluster on this machine.

#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <thread>
#include <vector>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/signals.h"

extern char** environ;

namespace paracord::apps {

namespace {

struct Options {
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

int serve(const Options& options) {
  const std::string address =
      options.address.empty() ? "ipc://" + private_folder() + "/local-" + std::to_string(getpid())
                              : options.address;
  std::vector<int> nodes;
  int scheduler = 0;
  Termination termination;
  const std::string lifeline = std::to_string(getpid());
  std::vector<std::string> for_scheduler{"scheduler", "--listen", address, "--ends-with", lifeline};
  if (!options.http.empty()) for_scheduler.insert(for_scheduler.end(), {"--http", options.http});
  if (!options.token_file.empty())
    for_scheduler.insert(for_scheduler.end(), {"--http-token-file", options.token_file});
  scheduler = start(for_scheduler);
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
    nodes.push_back(start(arguments));
  }
  const auto end_nodes = [&nodes] {
    for (const int node : nodes) kill(node, SIGTERM);
  };
  const auto served = termination.serve(end_nodes, end_nodes);
  std::printf("export PARACORD_SCHEDULER=%s\n", address.c_str());
  std::fflush(stdout);
  int worst = all_right;
  for (const int node : nodes) {
    int status = 0;
    while (waitpid(node, &status, 0) < 0 && errno == EINTR) {
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) worst = failed;
  }
  kill(scheduler, SIGTERM);
  waitpid(scheduler, nullptr, 0);
  if (options.address.empty()) unlink(address.c_str() + 6);
  return worst;
}

}  // namespace

void add_local_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "local", "Run a whole cluster on this machine; prints the line that programs need to use it");
  const auto options = std::make_shared<Options>();
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
