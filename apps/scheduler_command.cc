// paracord scheduler

#include <algorithm>
#include <memory>
#include <set>
#include <string_view>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/pages.h"
#include "paracord/apps/signals.h"
#include "paracord/apps/status_report.h"
#include "paracord/core/errors.h"
#include "paracord/scheduler/server/scheduler_server.h"
#include "paracord/transport/key_files.h"
#include "paracord/transport/relay.h"
#include "paracord/transport/sockets.h"

namespace paracord::apps {

namespace {

constexpr std::string_view no_relay = "none";

struct SchedulerOptions {
  std::vector<std::string> listen;
  std::vector<std::string> insecure;
  std::string keys;
  std::string relay, relay_advertise;
  double suspect_after = 3, node_lost_after = 15, client_lost_after = 60;
  double node_closed_after = 0.5, client_closed_after = 10;
  double queue_megabytes = 64, prefetch_milliseconds = 4;
  HttpOptions http;
};

cluster::Time seconds(double count) {
  return std::chrono::duration_cast<cluster::Time>(std::chrono::duration<double>(count));
}

// Keys, and who may use them; or none, and then only where nobody else can come.
cluster::ControlServer::Options control_of(const SchedulerOptions& options) {
  cluster::ControlServer::Options control;
  control.log = log_line;
  control.listen = options.listen;
  if (options.keys.empty()) {
    for (const std::string& address : options.listen) {
      if (address.starts_with("ipc://")) continue;
      throw std::invalid_argument(
          "--listen " + address +
          " without --keys: whoever reaches it could run programs here. Make keys with `paracord "
          "keygen DIR`, and give them by --keys DIR");
    }
    if (options.listen.empty() && options.insecure.empty())
      control.listen.push_back(private_scheduler_address());
    for (const std::string& address : options.insecure) {
      log_line("WARNING: listening on " + address +
               " without keys: whoever can reach it can run any program as this user");
      control.listen.push_back(address);
    }
    return control;
  }
  if (!options.insecure.empty())
    throw std::invalid_argument("--insecure-listen-without-keys and --keys exclude each other");
  if (control.listen.empty()) control.listen.push_back("tcp://*:" + std::to_string(default_port));
  control.keys = cluster::read_key_pair(options.keys, "scheduler");
  const auto clients = std::make_shared<const std::set<std::string>>(
      cluster::read_authorised_keys(options.keys + "/authorised/clients"));
  const auto nodes = std::make_shared<const std::set<std::string>>(
      cluster::read_authorised_keys(options.keys + "/authorised/nodes"));
  control.admits = [clients, nodes](const std::string& key) {
    if (nodes->contains(key)) return cluster::Admission::node;
    return clients->contains(key) ? cluster::Admission::client : cluster::Admission::none;
  };
  return control;
}

// Where no address was given: beside the first one for peers of other machines, two ports on.
std::string default_relay(const std::vector<std::string>& listen) {
  constexpr int ports_on = 2, last_port = 65'535;
  const auto tcp = std::find_if(listen.begin(), listen.end(),
                                [](const auto& one) { return one.starts_with("tcp://"); });
  if (tcp == listen.end()) return {};
  cluster::check_address(*tcp);
  const std::size_t colon = tcp->rfind(':') + 1;
  const std::string port = tcp->substr(colon);
  const int number = port == "*" ? 0 : std::stoi(port);
  return tcp->substr(0, colon) +
         std::to_string(number == 0 || number + ports_on > last_port ? 0 : number + ports_on);
}

// An address that nobody asked for may be taken: then there is none.
std::shared_ptr<cluster::Relay> open_relay(const std::string& asked,
                                           const std::vector<std::string>& listen) {
  const std::string address = asked.empty() ? default_relay(listen) : asked;
  if (address.empty() || address == no_relay) return nullptr;
  try {
    return std::make_shared<cluster::Relay>(cluster::Relay::Options{.listen = address});
  } catch (const BackendUnavailable& error) {
    if (!asked.empty()) throw;
    log_line("WARNING: " + std::string(error.what()) +
             "; clients have to reach the nodes themselves (see --relay-listen)");
    return nullptr;
  }
}

void serve(const SchedulerOptions& options) {
  if (!options.relay_advertise.empty()) cluster::check_address(options.relay_advertise);
  cluster::SchedulerServer::Options server_options;
  server_options.control = control_of(options);
  server_options.scheduler.suspect_after = seconds(options.suspect_after);
  server_options.scheduler.node_lost_after = seconds(options.node_lost_after);
  server_options.scheduler.client_lost_after = seconds(options.client_lost_after);
  server_options.scheduler.node_closed_after = seconds(options.node_closed_after);
  server_options.scheduler.client_closed_after = seconds(options.client_closed_after);
  server_options.scheduler.queue_bytes =
      static_cast<std::uint64_t>(options.queue_megabytes * 1024 * 1024);
  server_options.scheduler.prefetch = seconds(options.prefetch_milliseconds / 1000);
  server_options.describe = &status_as_json;
  Termination termination;
  const auto relay = open_relay(options.relay, server_options.control.listen);
  server_options.relay = relay;
  server_options.scheduler.relay = options.relay_advertise;
  const auto server = std::make_unique<cluster::SchedulerServer>(std::move(server_options));
  const auto served = termination.serve([&server] { server->stop(); }, [] { std::_Exit(failed); });
  const auto pages = serve_pages(options.http, *server);
  for (const std::string& address : server->addresses()) log_line("scheduler: ready on " + address);
  if (relay != nullptr) log_line("scheduler: relay on " + relay->address());
  server->run();
  log_line("scheduler: ended; nodes and clients wait for the next one");
}

}  // namespace

void add_scheduler_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("scheduler", "Run the scheduler of a cluster");
  const auto options = std::make_shared<SchedulerOptions>();
  add_config(*command);
  add_lifeline(*command);
  command
      ->add_option(
          "--listen", options->listen,
          "tcp://ADDRESS:PORT or ipc://PATH; several are possible [with keys: tcp://*:7710, "
          "without: a socket that only this user can reach]")
      ->envname("PARACORD_LISTEN");
  command
      ->add_option("--keys", options->keys,
                   "The folder that `paracord keygen` has made: scheduler.secret and authorised/")
      ->envname("PARACORD_KEYS");
  command->add_option("--insecure-listen-without-keys", options->insecure,
                      "An address that anyone may use who can reach it, to run any program");
  command
      ->add_option("--relay-listen", options->relay,
                   "tcp://ADDRESS:PORT through which clients reach the data ports of nodes that "
                   "they cannot reach themselves; none: there is no relay [the first tcp address "
                   "of --listen, two ports on]")
      ->envname("PARACORD_RELAY_LISTEN");
  command->add_option("--relay-advertise", options->relay_advertise,
                      "The relay as clients reach it, where that is another address: "
                      "tcp://HOST:PORT, with * for the host by which they reach the scheduler");
  command->add_option("--suspect-after", options->suspect_after,
                      "Seconds of silence after which a node gets no new work");
  command->add_option("--node-lost-after", options->node_lost_after,
                      "Seconds of silence after which a node's tasks run elsewhere");
  command->add_option("--client-lost-after", options->client_lost_after,
                      "Seconds of silence after which a client's tasks are cancelled");
  command->add_option("--node-closed-after", options->node_closed_after,
                      "Seconds after which a node's tasks run elsewhere once its connection was "
                      "closed, as it is when its process ends");
  command->add_option("--client-closed-after", options->client_closed_after,
                      "Seconds after which a client's tasks are cancelled once its connection was "
                      "closed, as it is when its process ends");
  command->add_option("--queue-megabytes", options->queue_megabytes,
                      "Of tasks that one client may have waiting here");
  command->add_option("--prefetch-milliseconds", options->prefetch_milliseconds,
                      "Of work that each slot may have waiting at its node");
  add_http(*command, options->http, true);
  command->callback([options, &exit_code] {
    serve(*options);
    exit_code = all_right;
  });
}

}  // namespace paracord::apps
