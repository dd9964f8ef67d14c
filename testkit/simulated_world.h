#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <queue>
#include <random>
#include <string>
#include <unordered_map>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::testkit {

using cluster::PeerId;
using cluster::Time;

/// Virtual time, and all that happens in it, in an order that one seed decides.
///
/// Threads: one.
class SimWorld {
 public:
  explicit SimWorld(std::uint64_t seed) : random_(seed) {}

  Time now() const { return now_; }
  void at(Time time, std::function<void()> event);
  void after(Time delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  /// The next event; false: there is none before `end`.
  bool step(Time end);
  std::uint64_t events() const { return done_; }

  /// Less than `bound`.
  std::uint64_t below(std::uint64_t bound) { return random_() % bound; }
  bool chance(double probability) {
    return static_cast<double>(random_() >> 11) * 0x1p-53 < probability;
  }
  Time between(Time least, Time most) {
    return least + Time(below(static_cast<std::uint64_t>((most - least).count()) + 1));
  }
  PeerId new_peer() { return random_() | 1; }

  /// The first violation of a rule ends the simulation.
  void fail(const std::string& what);
  const std::string& failure() const { return failure_; }
  bool verbose = false;
  void log(const std::string& what) const;

 private:
  struct Event {
    Time time;
    std::uint64_t order;
    std::function<void()> run;
    bool operator>(const Event& other) const {
      return time != other.time ? time > other.time : order > other.order;
    }
  };
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::uint64_t order_ = 0, done_ = 0;
  Time now_{};
  std::mt19937_64 random_;
  std::string failure_;
};

/// Links between peers and the scheduler: each keeps its order, delays, and loses or repeats what
/// it is told to.
class SimNetwork {
 public:
  explicit SimNetwork(SimWorld& world) : world_(world) {}

  Time least_delay = std::chrono::microseconds(20), most_delay = std::chrono::milliseconds(2);
  double loss = 0, duplication = 0;

  enum class Way { up, down };  ///< to the scheduler, or from it
  /// `machine`: on which the peer is; where that is cut off, so is the peer.
  void send(PeerId peer, PeerId machine, Way way, cluster::Packet packet,
            std::function<void(cluster::Packet)> deliver);
  void cut(PeerId machine, Way way, bool is_cut);
  bool is_cut(PeerId machine) const { return cut_.contains(machine); }
  void heal();

 private:
  Time arrival(PeerId peer, Way way);

  SimWorld& world_;
  std::unordered_map<PeerId, Time> last_[2];
  std::unordered_map<PeerId, int> cut_;  ///< bits of ways
};

}  // namespace paracord::testkit
