// paracord: the command.

#include <CLI/CLI.hpp>
#include <iostream>

#include "paracord/apps/cache_command.h"

int main(int argc, char** argv) {
  CLI::App app("Paracord's tools");
  app.name("paracord");
  app.require_subcommand(1);
  paracord::apps::add_cache_command(app, std::cout);
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  } catch (const std::exception& error) {
    std::cerr << "paracord: " << error.what() << '\n';
    return 1;
  }
}
