// paracord keygen

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>

#include "paracord/apps/commands.h"
#include "paracord/apps/daemon_options.h"
#include "paracord/apps/kubernetes_secrets.h"
#include "paracord/transport/key_files.h"

namespace paracord::apps {

namespace {

namespace fs = std::filesystem;

struct KeygenOptions {
  std::string folder, client, node;
  std::string secrets;  // of Kubernetes: the beginning of their names
  KubernetesSecrets::Options kubernetes;
};

std::string contents(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void authorise(const std::string& folder, const std::string& role, const std::string& name) {
  const std::string authorised = folder + "/authorised/" + role + "s";
  fs::create_directories(authorised);
  fs::copy_file(folder + "/" + name + ".public", authorised + "/" + name + ".public",
                fs::copy_options::overwrite_existing);
}

void make(const KeygenOptions& options) {
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

// The scheduler's comes last: where it is, all are. A run that was cut off begins again.
void make_secrets(const KeygenOptions& options) {
  const KubernetesSecrets secrets(options.kubernetes);
  const std::string of_scheduler = options.secrets + "-scheduler";
  if (secrets.exists(of_scheduler)) {
    std::printf("the secret %s is there already: all keys are kept\n", of_scheduler.c_str());
    return;
  }
  std::string pattern = (fs::temp_directory_path() / "paracord-keys-XXXXXX").string();
  if (mkdtemp(pattern.data()) == nullptr)
    throw std::runtime_error("no folder for new keys can be made in " +
                             fs::temp_directory_path().string());
  const fs::path folder(pattern);
  std::map<std::string, std::string> files;
  for (const char* name : {"scheduler", "client", "node"}) {
    cluster::write_key_pair(folder, name);
    for (const char* kind : {".secret", ".public"})
      files[std::string(name) + kind] = contents(folder / (std::string(name) + kind));
  }
  fs::remove_all(folder);
  const auto put = [&](const std::string& role, std::initializer_list<const char*> names) {
    std::map<std::string, std::string> part;
    for (const char* name : names) part[name] = files.at(name);
    secrets.put(options.secrets + "-" + role, part);
    std::printf("made the secret %s-%s\n", options.secrets.c_str(), role.c_str());
  };
  put("client", {"client.secret", "client.public", "scheduler.public"});
  put("node", {"node.secret", "node.public", "scheduler.public"});
  put("scheduler", {"scheduler.secret", "scheduler.public", "client.public", "node.public"});
}

}  // namespace

void add_keygen_command(CLI::App& app, int& exit_code) {
  auto* command = app.add_subcommand("keygen", "Make the keys of a cluster");
  const auto options = std::make_shared<KeygenOptions>();
  command->add_option("folder", options->folder, "Where to");
  command->add_option("--client", options->client,
                      "Only a further client's key, of this name, beside those that are there");
  command->add_option("--node", options->node, "The same for nodes");
  command->add_option("--kubernetes-secrets", options->secrets,
                      "In place of a folder: make the secrets NAME-scheduler, NAME-node and "
                      "NAME-client in this pod's namespace, unless they are there");
  command->add_option("--kubernetes-api", options->kubernetes.api,
                      "http(s)://HOST:PORT [as the pod's environment says]");
  command
      ->add_option("--kubernetes-service-account", options->kubernetes.service_account,
                   "The folder with its token")
      ->capture_default_str();
  command->add_option_function<std::vector<std::string>>(
      "--kubernetes-label",
      [options](const std::vector<std::string>& labels) {
        for (const std::string& label : labels) {
          const std::size_t sign = label.find('=');
          if (sign == std::string::npos)
            throw CLI::ValidationError("--kubernetes-label", "'" + label + "' is not NAME=VALUE");
          options->kubernetes.labels[label.substr(0, sign)] = label.substr(sign + 1);
        }
      },
      "NAME=VALUE, of the secrets");
  command->callback([options, &exit_code] {
    exit_code = all_right;
    if (!options->secrets.empty()) return make_secrets(*options);
    if (options->folder.empty())
      throw std::invalid_argument("keygen: name a folder for the keys, or --kubernetes-secrets");
    make(*options);
  });
}

}  // namespace paracord::apps
