#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "paracord/core/guarded.h"

namespace paracord::cluster {

/// A scheduler and nodes on this machine, as children of this process: they end with it. They talk
/// over sockets without files, which other users of the machine cannot use.
///
/// Threads: any.
class EmbeddedCluster {
 public:
  /// Throws BackendUnavailable.
  EmbeddedCluster();
  EmbeddedCluster(const EmbeddedCluster&) = delete;
  ~EmbeddedCluster();

  std::uint64_t number() const { return number_; }
  const std::string& address() const { return address_; }
  /// Starts another node where the slots are fewer than these.
  void grow(std::uint32_t slots);

 private:
  struct Child {
    int pid, socket;
  };
  Child start(const char* role, std::uint32_t slots, const std::string& data_address);
  const std::uint64_t number_;
  const std::string address_;
  struct Nodes {
    std::vector<Child> children;
    std::uint32_t slots = 0;
  };
  detail::Guarded<Nodes> nodes_;
};

}  // namespace paracord::cluster
