#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "paracord/backends/zeromq/embedded_child.h"
#include "paracord/core/guarded.h"

namespace paracord::cluster {

/// A scheduler and nodes on this machine, as children of this process: they end with it. They talk
/// over sockets without files, which other users of the machine cannot use. One that ends before is
/// replaced, so that calls go on, unless it ends again and again.
///
/// Threads: any.
class EmbeddedCluster {
 public:
  /// Told, by a thread of this object, when a child has ended: how, and what was done. `is_broken`:
  /// it could not be replaced, and nothing will run any more.
  using OnEnded = std::function<void(const std::string& what, bool is_broken)>;
  /// Throws BackendUnavailable.
  explicit EmbeddedCluster(OnEnded on_ended);
  EmbeddedCluster(const EmbeddedCluster&) = delete;
  ~EmbeddedCluster();

  std::uint64_t number() const { return number_; }
  const std::string& address() const { return address_; }
  /// Starts another node where the slots are fewer than these.
  void grow(std::uint32_t slots);

 private:
  using Clock = EmbeddedChild::Clock;
  struct Place {
    const char* role;
    std::uint32_t slots;
    std::string data_address;
    std::shared_ptr<EmbeddedChild> child;  // null: it was given up
    int quick_ends = 0;                    // in a row
  };
  std::shared_ptr<EmbeddedChild> start(const Place& place) const;
  void add(Place place);
  void watch();
  void replace(std::size_t number, Place place);
  const std::uint64_t number_;
  const std::string address_;
  const OnEnded on_ended_;
  const int wake_fd_;
  struct Nodes {
    std::vector<Place> places;
    std::uint32_t slots = 0;
  };
  detail::Guarded<Nodes> nodes_;
  std::atomic<bool> stopped_{false};
  std::thread watcher_;
};

}  // namespace paracord::cluster
