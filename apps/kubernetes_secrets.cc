#include "paracord/apps/kubernetes_secrets.h"

#include <httplib.h>

#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

namespace paracord::apps {

namespace {

constexpr int longest_kubernetes_request_seconds = 10;

std::string contents(const std::string& path) {
  std::ifstream file(path);
  if (!file) {
    throw std::runtime_error("cannot read " + path +
                             "; does the pod mount its service account's token?");
  }
  std::ostringstream text;
  text << file.rdbuf();
  std::string all = text.str();
  while (!all.empty() && all.back() == '\n') all.pop_back();
  return all;
}

std::string api_of_the_pod() {
  const char* host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    throw std::runtime_error(
        "this is no pod of a Kubernetes cluster: KUBERNETES_SERVICE_HOST and "
        "KUBERNETES_SERVICE_PORT are not set");
  }
  const std::string name = host;
  return "https://" + (name.find(':') == std::string::npos ? name : "[" + name + "]") + ":" + port;
}

// Some httplib do not know an IPv6 address with letters as one: it is reached by the name that each
// cluster's API has, too.
httplib::Client client_of_address(const std::string& api) {
  const std::size_t open = api.find('['), close = api.find(']');
  if (open == std::string::npos || close == std::string::npos) return httplib::Client(api);
  const std::string name = "kubernetes.default.svc";
  httplib::Client client(api.substr(0, open) + name + api.substr(close + 1));
  client.set_hostname_addr_map({{name, api.substr(open + 1, close - open - 1)}});
  return client;
}

httplib::Client client_of(const KubernetesSecrets::Options& options, const std::string& token) {
  httplib::Client client = client_of_address(options.api);
  client.set_connection_timeout(longest_kubernetes_request_seconds);
  client.set_read_timeout(longest_kubernetes_request_seconds);
  client.set_bearer_token_auth(token.c_str());
  if (options.api.starts_with("https://"))
    client.set_ca_cert_path((options.service_account + "/ca.crt").c_str());
  return client;
}

void refuse(const std::string& what, const httplib::Result& answer) {
  if (!answer) {
    throw std::runtime_error(
        what + ": the Kubernetes API does not answer: " + httplib::to_string(answer.error()));
  }
  throw std::runtime_error(what + ": the Kubernetes API says " + std::to_string(answer->status) +
                           ": " + answer->body);
}

}  // namespace

KubernetesSecrets::KubernetesSecrets(Options options)
    : options_(std::move(options)),
      namespace_(contents(options_.service_account + "/namespace")),
      token_(contents(options_.service_account + "/token")) {
  if (options_.api.empty()) options_.api = api_of_the_pod();
}

bool KubernetesSecrets::exists(const std::string& name) const {
  const std::string path = "/api/v1/namespaces/" + namespace_ + "/secrets/" + name;
  const auto answer = client_of(options_, token_).Get(path.c_str());
  if (answer && answer->status == 200) return true;
  if (!answer || answer->status != 404) refuse("looking for the secret " + name, answer);
  return false;
}

void KubernetesSecrets::put(const std::string& name,
                            const std::map<std::string, std::string>& files) const {
  nlohmann::json secret{{"apiVersion", "v1"},
                        {"kind", "Secret"},
                        {"type", "Opaque"},
                        {"metadata", {{"name", name}, {"labels", options_.labels}}}};
  for (const auto& [file, text] : files) secret["stringData"][file] = text;
  const std::string folder = "/api/v1/namespaces/" + namespace_ + "/secrets";
  const std::string type = "application/json";
  httplib::Client client = client_of(options_, token_);
  const auto made = client.Post(folder.c_str(), secret.dump(), type.c_str());
  if (made && (made->status == 201 || made->status == 200)) return;
  if (!made || made->status != 409) refuse("making the secret " + name, made);
  const auto replaced = client.Put((folder + "/" + name).c_str(), secret.dump(), type.c_str());
  if (!replaced || replaced->status != 200) refuse("replacing the secret " + name, replaced);
}

}  // namespace paracord::apps
