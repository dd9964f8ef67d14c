#pragma once

#include <map>
#include <string>

namespace paracord::apps {

/// Secrets of a Kubernetes namespace, by the API that a pod reaches with its service account.
///
/// Threads: one.
/// Errors:  std::runtime_error, with what the API says.
class KubernetesSecrets {
 public:
  struct Options {
    std::string api;  ///< empty: as the pod's environment says
    std::string service_account = "/var/run/secrets/kubernetes.io/serviceaccount";
    std::map<std::string, std::string> labels{};
  };
  explicit KubernetesSecrets(Options options);

  bool exists(const std::string& name) const;
  /// Makes it, or replaces one that is there.
  void put(const std::string& name, const std::map<std::string, std::string>& files) const;

 private:
  Options options_;
  std::string namespace_, token_;
};

}  // namespace paracord::apps
