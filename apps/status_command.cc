// paracord status

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <stdexcept>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/status_report.h"
#include "paracord/transport/clock.h"
#include "paracord/transport/control_link.h"
#include "paracord/transport/key_files.h"

namespace paracord::apps {

namespace {

struct StatusOptions {
  std::string scheduler, keys;
  bool json = false;
  double timeout = 5;
};

std::string ask(const StatusOptions& options) {
  cluster::ControlLink::Options link_options;
  link_options.address =
      options.scheduler.empty() ? private_scheduler_address() : options.scheduler;
  if (!options.keys.empty()) {
    link_options.keys = cluster::read_key_pair(options.keys, "client");
    link_options.server_key = cluster::read_public_key(options.keys, "scheduler");
  }
  cluster::ControlLink link(link_options);
  const cluster::Time deadline =
      cluster::now() +
      std::chrono::duration_cast<cluster::Time>(std::chrono::duration<double>(options.timeout));
  std::string trouble = "no scheduler answers at " + link_options.address;
  while (cluster::now() < deadline) {
    cluster::ControlLink::Came came = link.wait(deadline - cluster::now());
    if (!came.refused.empty()) trouble = came.refused;
    if (came.connected) (void)link.send({0, 0, {cluster::Query{}}});
    for (const cluster::Packet& packet : came.packets) {
      for (const cluster::Message& message : packet.messages) {
        if (const auto* answer = std::get_if<cluster::Answer>(&message)) return answer->text;
      }
    }
  }
  throw std::runtime_error(trouble);
}

}  // namespace

void add_status_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("status", "What a cluster does at the moment");
  const auto options = std::make_shared<StatusOptions>();
  command
      ->add_option("--scheduler", options->scheduler,
                   "tcp://HOST:PORT or ipc://PATH [this user's, on this machine]")
      ->envname("PARACORD_SCHEDULER");
  command->add_option("--keys", options->keys, "The folder with client.secret, scheduler.public")
      ->envname("PARACORD_KEYS");
  command->add_flag("--json", options->json, "As JSON");
  command->add_option("--timeout", options->timeout, "Seconds to wait for an answer");
  command->callback([options, &exit_code] {
    const std::string json = ask(*options);
    std::fputs(options->json ? (json + "\n").c_str() : status_as_table(json).c_str(), stdout);
    exit_code = all_right;
  });
}

}  // namespace paracord::apps
