// paracord: daemons and tools.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <ctime>
#include <exception>
#include <iostream>
#include <stdexcept>

#include "paracord/apps/cache_command.h"
#include "paracord/apps/commands.h"
#include "paracord/backends/worker/initialize.h"

namespace paracord::apps {

void log_line(const std::string& line) {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  std::fprintf(stderr, "%s %s\n", time, line.c_str());
}

}  // namespace paracord::apps

int main(int argc, char** argv) {
  using namespace paracord::apps;
  paracord::initialize(argc, argv);
  CLI::App app("Paracord: parallel loops, from one thread to a cluster", "paracord");
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::help);
  int exit_code = all_right;
  add_scheduler_command(app, exit_code);
  add_node_command(app, exit_code);
  add_local_command(app, exit_code);
  add_status_command(app, exit_code);
  add_check_command(app, exit_code);
  add_drain_command(app, exit_code);
  add_keygen_command(app, exit_code);
  add_cache_command(app, std::cout);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? all_right : wrong_usage;
  } catch (const std::invalid_argument& error) {
    std::fprintf(stderr, "paracord: %s\n", error.what());
    return wrong_usage;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "paracord: %s\n", error.what());
    return failed;
  }
  return exit_code;
}
