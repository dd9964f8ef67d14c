#include "paracord/backends/zeromq/embedded_cluster.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <utility>

#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"
#include "paracord/core/roles.h"
#include "paracord/core/service_thread.h"
#include "paracord/transport/random.h"

namespace paracord::cluster {

namespace {

// One that ends so soon, so often in a row, is not replaced any more.
constexpr auto quick_end = std::chrono::seconds(2);
constexpr int max_quick_ends = 3;

void copy_text(char* to, std::size_t room, const std::string& text) {
  if (text.size() >= room) throw BackendUnavailable("zeromq: an address is too long: " + text);
  std::memcpy(to, text.c_str(), text.size() + 1);
}

void wake(int fd) {
  const std::uint64_t one = 1;
  (void)!write(fd, &one, sizeof one);
}

}  // namespace

EmbeddedCluster::EmbeddedCluster(OnEnded on_ended)
    : number_(random_number()),
      address_("ipc://@paracord-" + std::to_string(number_)),
      on_ended_(std::move(on_ended)),
      wake_fd_(detail::moved_up(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))) {
  if (detail::find_role("scheduler") == nullptr) {
    throw BackendUnavailable(
        "zeromq: this program has no scheduler for an embedded cluster; include "
        "paracord/paracord.h, or paracord/scheduler/server/scheduler_role.h, or name a running "
        "scheduler by PARACORD_SCHEDULER");
  }
  add({"scheduler", 0, "", nullptr});
  watcher_ = detail::service_thread([this] { watch(); });
}

EmbeddedCluster::~EmbeddedCluster() {
  stopped_.store(true);
  wake(wake_fd_);
  if (watcher_.joinable()) watcher_.join();
  nodes_.with([](Nodes& nodes) {
    for (auto place = nodes.places.rbegin(); place != nodes.places.rend(); ++place)
      if (place->child != nullptr) place->child->hang_up();
  });
  close(wake_fd_);
}

void EmbeddedCluster::add(Place place) {
  place.child = start(place);
  nodes_.with([&](Nodes& nodes) {
    nodes.slots += place.slots;
    nodes.places.push_back(std::move(place));
  });
  wake(wake_fd_);
}

// One caller at a time, as clusters.cc has it.
void EmbeddedCluster::grow(std::uint32_t slots) {
  const Nodes now = nodes_.with([](const Nodes& nodes) { return nodes; });
  if (slots <= now.slots) return;
  add({"node", slots - now.slots, address_ + "-" + std::to_string(now.places.size()), nullptr});
}

std::shared_ptr<EmbeddedChild> EmbeddedCluster::start(const Place& place) const {
  detail::RoleOrder order;
  order.cluster = number_;
  order.slots = place.slots;
  copy_text(order.address, sizeof order.address, address_);
  copy_text(order.data_address, sizeof order.data_address, place.data_address);
  return std::make_shared<EmbeddedChild>(place.role, order);
}

void EmbeddedCluster::watch() {
  while (!stopped_.load()) {
    std::vector<pollfd> wanted{{wake_fd_, POLLIN, 0}};
    const Nodes now = nodes_.with([](const Nodes& nodes) { return nodes; });
    for (const Place& place : now.places) {
      if (place.child == nullptr) continue;
      for (const int fd : place.child->descriptors()) wanted.push_back({fd, POLLIN, 0});
    }
    if (poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR
    std::uint64_t wakes = 0;
    if (wanted[0].revents != 0) (void)!read(wake_fd_, &wakes, sizeof wakes);
    for (std::size_t i = 0; i != now.places.size() && !stopped_.load(); ++i) {
      if (now.places[i].child != nullptr && now.places[i].child->look()) replace(i, now.places[i]);
    }
  }
}

void EmbeddedCluster::replace(std::size_t number, Place place) {
  const std::string what = std::string("zeromq: the embedded ") + place.role + " (pid " +
                           std::to_string(place.child->pid()) + ") " + place.child->end();
  const bool quick = Clock::now() - place.child->started() < quick_end;
  place.quick_ends = quick ? place.quick_ends + 1 : 0;
  place.child = nullptr;
  std::string done;
  if (place.quick_ends == max_quick_ends) {
    done = "those before it ended so, too: the cluster is given up";
  } else {
    try {
      place.child = start(place);
      done = "another one (pid " + std::to_string(place.child->pid()) + ") was started";
    } catch (const std::exception& error) {
      done = std::string("another one cannot be started: ") + error.what();
    }
  }
  const bool is_broken = place.child == nullptr;
  nodes_.with([&](Nodes& nodes) { nodes.places[number] = place; });
  on_ended_(what + (what.ends_with('\n') ? "" : "; ") + done, is_broken);
}

}  // namespace paracord::cluster
