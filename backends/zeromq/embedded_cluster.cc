#include "paracord/backends/zeromq/embedded_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "paracord/backends/processes/spawn.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"
#include "paracord/core/roles.h"
#include "paracord/transport/random.h"

namespace paracord::cluster {

namespace {

constexpr int longest_start_milliseconds = 30'000;

void copy_text(char* to, std::size_t room, const std::string& text) {
  if (text.size() >= room) throw BackendUnavailable("zeromq: an address is too long: " + text);
  std::memcpy(to, text.c_str(), text.size() + 1);
}

// The program's own output, where it has one.
int own_output(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  return copy >= 0 ? copy : detail::moved_up(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

// Whether the child has reported in time.
bool is_ready(int socket) {
  pollfd wanted{socket, POLLIN, 0};
  detail::RoleReady ready;
  return poll(&wanted, 1, longest_start_milliseconds) == 1 &&
         recv(socket, &ready, sizeof ready, 0) == static_cast<ssize_t>(sizeof ready) &&
         ready.magic == detail::RoleOrder::right;
}

}  // namespace

EmbeddedCluster::EmbeddedCluster()
    : number_(random_number()), address_("ipc://@paracord-" + std::to_string(number_)) {
  if (detail::find_role("scheduler") == nullptr) {
    throw BackendUnavailable(
        "zeromq: this program has no scheduler for an embedded cluster; include "
        "paracord/paracord.h, or paracord/scheduler/server/scheduler_role.h, or name a running "
        "scheduler by PARACORD_SCHEDULER");
  }
  const Child scheduler = start("scheduler", 0, "");
  nodes_.with([&](Nodes& nodes) { nodes.children.push_back(scheduler); });
}

EmbeddedCluster::~EmbeddedCluster() {
  nodes_.with([](Nodes& nodes) {
    // The end of its socket ends each.
    for (auto child = nodes.children.rbegin(); child != nodes.children.rend(); ++child)
      close(child->socket);
    for (const Child& child : nodes.children) waitpid(child.pid, nullptr, 0);
  });
}

void EmbeddedCluster::grow(std::uint32_t slots) {
  nodes_.with([&](Nodes& nodes) {
    if (slots <= nodes.slots) return;
    const std::string data = address_ + "-" + std::to_string(nodes.children.size());
    nodes.children.push_back(start("node", slots - nodes.slots, data));
    nodes.slots = slots;
  });
}

EmbeddedCluster::Child EmbeddedCluster::start(const char* role, std::uint32_t slots,
                                              const std::string& data_address) {
  detail::RoleOrder order;
  order.cluster = number_;
  order.slots = slots;
  copy_text(order.address, sizeof order.address, address_);
  copy_text(order.data_address, sizeof order.data_address, data_address);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    throw BackendUnavailable(std::string("zeromq: no socket: ") + std::strerror(errno));
  const int ours = detail::moved_up(pair[0]);
  const int childs = detail::moved_up(pair[1]);
  const int output = own_output(1), errors = own_output(2);
  const detail::WorkerSpec spec{detail::own_environment()};
  int pid = 0;
  try {
    pid = detail::spawn_worker(spec, {childs, output, errors}, role);
  } catch (...) {
    for (const int fd : {ours, childs, output, errors}) close(fd);
    throw;
  }
  for (const int fd : {childs, output, errors}) close(fd);
  const bool sent = send(ours, &order, sizeof order, MSG_NOSIGNAL) == sizeof order;
  if (!sent || !is_ready(ours)) {
    close(ours);
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    throw BackendUnavailable(std::string("zeromq: the embedded ") + role +
                             " has not started; see what it says on stderr");
  }
  return {pid, ours};
}

}  // namespace paracord::cluster
