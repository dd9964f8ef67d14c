// paracord node

#include <unistd.h>

#include <cstdlib>
#include <memory>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/pages.h"
#include "paracord/apps/signals.h"
#include "paracord/backends/zeromq/node_agent.h"
#include "paracord/transport/key_files.h"

namespace paracord::apps {

namespace {

struct NodeOptions {
  std::string scheduler, keys, name, data_listen, insecure, advertise;
  std::string spill_folder, cache_folder;
  std::uint32_t slots = 0, most_parked = 0;
  double store_megabytes = 0, spill_megabytes = 16'384, cache_megabytes = 4'096;
  double worker_memory_megabytes = 0;
  double drain_limit = 600;
  HttpOptions http;
};

std::size_t bytes(double megabytes) {
  return static_cast<std::size_t>(megabytes * 1024 * 1024);
}

// Where the data plane listens: without keys only where nobody else can come.
std::string data_listen_of(const NodeOptions& options) {
  if (!options.insecure.empty()) {
    log_line("WARNING: serving data on " + options.insecure + " without keys");
    return options.insecure;
  }
  if (!options.keys.empty()) return options.data_listen.empty() ? "tcp://*:*" : options.data_listen;
  if (options.data_listen.starts_with("tcp://")) {
    throw std::invalid_argument("--data-listen " + options.data_listen +
                                " without --keys: whoever reaches it could read and write tasks' "
                                "data. Make keys with `paracord keygen DIR`, and give them by "
                                "--keys DIR");
  }
  if (!options.data_listen.empty()) return options.data_listen;
  return "ipc://" + private_folder() + "/node-" + std::to_string(getpid());
}

cluster::NodeAgent::Options agent_options(const NodeOptions& options) {
  cluster::NodeAgent::Options agent;
  agent.scheduler.address =
      options.scheduler.empty() ? private_scheduler_address() : options.scheduler;
  if (!options.keys.empty()) {
    agent.scheduler.keys = cluster::read_key_pair(options.keys, "node");
    agent.scheduler.server_key = cluster::read_public_key(options.keys, "scheduler");
    // Calls inside tasks are a client's: where its keys are here, too.
    if (access((options.keys + "/client.secret").c_str(), R_OK) == 0)
      agent.worker_environment["PARACORD_KEYS"] = options.keys;
  }
  agent.worker_environment["PARACORD_SCHEDULER"] = agent.scheduler.address;
  agent.name = options.name;
  agent.slots = options.slots;
  agent.most_parked = options.most_parked;
  agent.data_listen = data_listen_of(options);
  agent.advertise = options.advertise;
  agent.store.memory_bytes = bytes(options.store_megabytes);
  agent.store.spill_bytes = bytes(options.spill_megabytes);
  agent.store.spill_folder = options.spill_folder;
  agent.programs.folder = options.cache_folder;
  agent.programs.bytes = bytes(options.cache_megabytes);
  agent.worker_memory_bytes = bytes(options.worker_memory_megabytes);
  agent.drain_limit =
      std::chrono::duration_cast<cluster::Time>(std::chrono::duration<double>(options.drain_limit));
  agent.log = log_line;
  return agent;
}

int serve(const NodeOptions& options) {
  Termination termination;
  const auto agent = std::make_unique<cluster::NodeAgent>(agent_options(options));
  const auto served = termination.serve([&agent] { agent->drain(); }, [&agent] { agent->stop(); });
  const auto pages = serve_pages(options.http, *agent);
  log_line("node: ready");
  const std::string trouble = agent->run();
  if (!options.data_listen.empty() || options.keys.empty()) {
    const std::string listen = agent->data_address();
    if (listen.starts_with("ipc://") && !listen.starts_with("ipc://@")) unlink(listen.c_str() + 6);
  }
  log_line(trouble.empty() ? "node: ended" : "node: " + trouble);
  return trouble.empty() ? all_right : failed;
}

}  // namespace

void add_node_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("node", "Run a node: the tasks of a cluster, on this machine");
  const auto options = std::make_shared<NodeOptions>();
  add_config(*command);
  add_lifeline(*command);
  command
      ->add_option("--scheduler", options->scheduler,
                   "tcp://HOST:PORT or ipc://PATH [this user's, on this machine]")
      ->envname("PARACORD_SCHEDULER");
  command
      ->add_option("--keys", options->keys,
                   "The folder that `paracord keygen` has made: node.secret, scheduler.public")
      ->envname("PARACORD_KEYS");
  command->add_option("--name", options->name, "What errors call it [the host's name]");
  command->add_option("--slots", options->slots, "Tasks at once [the CPUs it may use]")
      ->envname("PARACORD_SLOTS");
  command->add_option("--most-parked", options->most_parked,
                      "Waiting tasks that may lend their slots [4 for each slot]");
  command->add_option("--data-listen", options->data_listen,
                      "Where arrays are served [with keys: tcp://*:*]");
  command->add_option("--advertise", options->advertise,
                      "The host by which others reach --data-listen [the host's name]");
  command->add_option("--insecure-listen-without-keys", options->insecure,
                      "As --data-listen, for anyone who can reach it");
  command->add_option("--store-megabytes", options->store_megabytes,
                      "Shared memory for arrays [a quarter of the machine's]");
  command->add_option("--spill-folder", options->spill_folder,
                      "Where arrays go that nobody uses [the folder for temporary files]");
  command->add_option("--spill-megabytes", options->spill_megabytes, "At most there");
  command->add_option("--cache-folder", options->cache_folder,
                      "For clients' programs [~/.cache/paracord]");
  command->add_option("--cache-megabytes", options->cache_megabytes, "At most there");
  command->add_option(
      "--worker-memory-megabytes", options->worker_memory_megabytes,
      "A worker that takes more of its own is killed, and its task fails [no limit]");
  command->add_option("--drain-limit", options->drain_limit,
                      "Seconds that a drain (SIGTERM) may take");
  add_http(*command, options->http, false);
  command->callback([options, &exit_code] { exit_code = serve(*options); });
}

}  // namespace paracord::apps
