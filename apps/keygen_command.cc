// paracord keygen

#include <cstdio>
#include <filesystem>
#include <memory>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/transport/key_files.h"

namespace paracord::apps {

namespace {

namespace fs = std::filesystem;

struct Options {
  std::string folder, client, node;
};

void authorise(const std::string& folder, const std::string& role, const std::string& name) {
  const std::string authorised = folder + "/authorised/" + role + "s";
  fs::create_directories(authorised);
  fs::copy_file(folder + "/" + name + ".public", authorised + "/" + name + ".public",
                fs::copy_options::overwrite_existing);
}

void make(const Options& options) {
  if (!options.client.empty() || !options.node.empty()) {
    for (const auto& [role, name] :
         {std::pair("client", options.client), std::pair("node", options.node)}) {
      if (name.empty()) continue;
      cluster::write_key_pair(options.folder, name);
      authorise(options.folder, role, name);
      std::printf("wrote %s/%s.secret, and authorised it as a %s\n", options.folder.c_str(),
                  name.c_str(), role);
    }
    std::printf("the scheduler reads authorised keys when it starts: restart it\n");
    return;
  }
  for (const char* name : {"scheduler", "client", "node"})
    cluster::write_key_pair(options.folder, name);
  authorise(options.folder, "client", "client");
  authorise(options.folder, "node", "node");
  std::printf(
      "wrote the keys of a cluster into %s; each machine needs its own part:\n"
      "  scheduler: scheduler.secret, authorised/\n"
      "  nodes:     node.secret, scheduler.public\n"
      "  clients:   client.secret, scheduler.public\n",
      options.folder.c_str());
}

}  // namespace

void add_keygen_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("keygen", "Make the keys of a cluster");
  const auto options = std::make_shared<Options>();
  command->add_option("folder", options->folder, "Where to")->required();
  command->add_option("--client", options->client,
                      "Only a further client's key, of this name, beside those that are there");
  command->add_option("--node", options->node, "The same for nodes");
  command->callback([options, &exit_code] {
    make(*options);
    exit_code = all_right;
  });
}

}  // namespace paracord::apps
