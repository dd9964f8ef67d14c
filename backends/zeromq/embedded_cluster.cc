#include "paracord/backends/zeromq/embedded_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>

#include "paracord/backends/processes/spawn.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"
#include "paracord/core/fork.h"
#include "paracord/core/roles.h"
#include "paracord/transport/random.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_start = std::chrono::seconds(30);

void copy_text(char* to, std::size_t room, const std::string& text) {
  if (text.size() >= room) throw BackendUnavailable("zeromq: an address is too long: " + text);
  std::memcpy(to, text.c_str(), text.size() + 1);
}

// The program's own output, where it has one.
int own_output(int fd) {
  const int copy = fcntl(fd, F_DUPFD_CLOEXEC, 10);
  return copy >= 0 ? copy : detail::moved_up(open("/dev/null", O_WRONLY | O_CLOEXEC));
}

void hang_up(int socket) {
  detail::keep_in_forked_children(socket);
  close(socket);
}

// Whether the child has reported in time.
bool is_ready(int socket) {
  using Clock = std::chrono::steady_clock;
  const auto deadline = Clock::now() + longest_start;
  pollfd wanted{socket, POLLIN, 0};
  int there = 0;
  do {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    there = poll(&wanted, 1, static_cast<int>(std::max(left.count(), std::int64_t{0})));
  } while (there < 0 && errno == EINTR);
  detail::RoleReady ready;
  return there == 1 && detail::receive_whole(socket, &ready, sizeof ready) &&
         ready.magic == detail::RoleOrder::right;
}

// The program may reap children that are not its own.
void reap(int pid) {
  while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
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
      hang_up(child->socket);
    for (const Child& child : nodes.children) reap(child.pid);
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
  detail::close_in_forked_children(ours);
  const bool sent = detail::send_whole(ours, &order, sizeof order);
  if (!sent || !is_ready(ours)) {
    hang_up(ours);
    kill(pid, SIGKILL);
    reap(pid);
    throw BackendUnavailable(std::string("zeromq: the embedded ") + role +
                             " has not started; see what it says on stderr");
  }
  return {pid, ours};
}

}  // namespace paracord::cluster
