// paracord drain

#include <httplib.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <memory>
#include <thread>

#include "paracord/apps/commands.h"
#include "paracord/apps/http_server.h"

namespace paracord::apps {

namespace {

constexpr auto time_between_looks = std::chrono::milliseconds(200);
constexpr int longest_drain_request_seconds = 5;

struct DrainOptions {
  std::string http;
  double timeout = 600;
};

httplib::Client client_of(const DrainOptions& options) {
  const auto [host, port] = split_address(options.http);
  httplib::Client client(host, port);
  client.set_connection_timeout(longest_drain_request_seconds);
  client.set_read_timeout(longest_drain_request_seconds);
  return client;
}

int drain(const DrainOptions& options) {
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::duration<double>(options.timeout);
  const auto asked = client_of(options).Post("/drain", {{"X-Paracord", "drain"}}, "", "text/plain");
  if (!asked)
    throw std::runtime_error("no node answers at " + options.http + ": " +
                             httplib::to_string(asked.error()));
  if (asked->status != 200) {
    throw std::runtime_error("what answers at " + options.http + " cannot be drained (" +
                             std::to_string(asked->status) + "): " + asked->body);
  }
  // Its process ends when it has drained.
  while (client_of(options).Get("/healthz")) {
    if (std::chrono::steady_clock::now() > end)
      throw std::runtime_error("the node at " + options.http + " has not drained in " +
                               std::to_string(options.timeout) + " s");
    std::this_thread::sleep_for(time_between_looks);
  }
  return all_right;
}

}  // namespace

void add_drain_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand(
      "drain",
      "Ask a node on this machine to end, and wait until it has: it takes no new work, "
      "gives back what has not begun, ends what runs, and hands over its results");
  const auto options = std::make_shared<DrainOptions>();
  command->add_option("--http", options->http, "The node's, HOST:PORT")
      ->envname("PARACORD_HTTP")
      ->required();
  command->add_option("--timeout", options->timeout, "Seconds to wait")->capture_default_str();
  command->callback([options, &exit_code] { exit_code = drain(*options); });
}

}  // namespace paracord::apps
