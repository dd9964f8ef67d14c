#include "paracord/testkit/simulated_world.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace paracord::testkit {

void SimWorld::at(Time time, std::function<void()> event) {
  events_.push({std::max(time, now_), ++order_, std::move(event)});
}

bool SimWorld::step(Time end) {
  if (events_.empty() || events_.top().time > end) {
    now_ = std::max(now_, end);
    return false;
  }
  const std::function<void()> run = std::move(const_cast<Event&>(events_.top()).run);
  now_ = events_.top().time;
  events_.pop();
  ++done_;
  run();
  return true;
}

void SimWorld::fail(const std::string& what) {
  log("FAILED: " + what);
  if (failure_.empty())
    failure_ = "at " + std::to_string(static_cast<double>(now_.count()) / 1e9) + " s: " + what;
}

void SimWorld::log(const std::string& what) const {
  if (verbose) std::printf("%12.6f %s\n", static_cast<double>(now_.count()) / 1e9, what.c_str());
}

Time SimNetwork::arrival(PeerId peer, Way way) {
  Time& last = last_[way == Way::up ? 0 : 1][peer];
  last = std::max(last + Time(1), world_.now() + world_.between(least_delay, most_delay));
  return last;
}

void SimNetwork::send(PeerId peer, PeerId machine, Way way, cluster::Packet packet,
                      std::function<void(cluster::Packet)> deliver) {
  const auto cut = cut_.find(machine);
  if (cut != cut_.end() && (cut->second & (1 << static_cast<int>(way))) != 0) return;
  if (loss > 0 && world_.chance(loss)) return;
  if (duplication > 0 && world_.chance(duplication))
    world_.at(arrival(peer, way), [deliver, packet] { deliver(packet); });
  world_.at(arrival(peer, way),
            [deliver = std::move(deliver), packet = std::move(packet)]() mutable {
              deliver(std::move(packet));
            });
}

void SimNetwork::cut(PeerId machine, Way way, bool is_cut) {
  const int bit = 1 << static_cast<int>(way);
  if (is_cut) {
    cut_[machine] |= bit;
  } else if (const auto found = cut_.find(machine); found != cut_.end()) {
    if ((found->second &= ~bit) == 0) cut_.erase(found);
  }
}

void SimNetwork::heal() {
  cut_.clear();
  loss = duplication = 0;
}

}  // namespace paracord::testkit
