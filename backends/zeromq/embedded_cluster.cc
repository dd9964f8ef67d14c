#include "paracord/backends/zeromq/embedded_cluster.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

#include "paracord/backends/processes/spawn.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/errors.h"
#include "paracord/core/fork.h"
#include "paracord/core/roles.h"
#include "paracord/core/service_thread.h"
#include "paracord/transport/random.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_start = std::chrono::seconds(30);
// One that ends so soon, so often in a row, is not replaced any more.
constexpr auto quick_end = std::chrono::seconds(2);
constexpr int max_quick_ends = 3;

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
  if (socket < 0) return;
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

// None: the program reaps children that are not its own.
std::optional<int> reap(int pid) {
  int status = 0;
  int reaped = 0;
  while ((reaped = waitpid(pid, &status, 0)) < 0 && errno == EINTR) {
  }
  return reaped == pid ? std::optional(status) : std::nullopt;
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
  add({"scheduler", 0, ""});
  watcher_ = detail::service_thread([this] { watch(); });
}

EmbeddedCluster::~EmbeddedCluster() {
  stopped_.store(true);
  wake(wake_fd_);
  if (watcher_.joinable()) watcher_.join();
  nodes_.with([](Nodes& nodes) {
    // The end of its socket ends each.
    for (auto child = nodes.children.rbegin(); child != nodes.children.rend(); ++child)
      hang_up(child->socket);
    for (const Child& child : nodes.children) (void)reap(child.pid);
  });
  close(wake_fd_);
}

void EmbeddedCluster::add(Child child) {
  start(child);
  nodes_.with([&](Nodes& nodes) {
    nodes.slots += child.slots;
    nodes.children.push_back(std::move(child));
  });
  wake(wake_fd_);
}

// One caller at a time, as clusters.cc has it.
void EmbeddedCluster::grow(std::uint32_t slots) {
  const Nodes now = nodes_.with([](const Nodes& nodes) { return nodes; });
  if (slots <= now.slots) return;
  add({"node", slots - now.slots, address_ + "-" + std::to_string(now.children.size())});
}

void EmbeddedCluster::start(Child& child) const {
  detail::RoleOrder order;
  order.cluster = number_;
  order.slots = child.slots;
  copy_text(order.address, sizeof order.address, address_);
  copy_text(order.data_address, sizeof order.data_address, child.data_address);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    throw BackendUnavailable(std::string("zeromq: no socket: ") + std::strerror(errno));
  const int ours = detail::moved_up(pair[0]);
  const int childs = detail::moved_up(pair[1]);
  const int output = own_output(1), errors = own_output(2);
  const detail::WorkerSpec spec{detail::own_environment()};
  int pid = 0;
  try {
    pid = detail::spawn_worker(spec, {childs, output, errors}, child.role);
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
    const std::string how = detail::text_of_end(reap(pid));
    throw BackendUnavailable(std::string("zeromq: the embedded ") + child.role +
                             " has not started; it " + how + "; see what it says on stderr");
  }
  child.pid = pid;
  child.socket = ours;
  child.started = Clock::now();
}

// The end of a child is the end of its socket.
void EmbeddedCluster::watch() {
  while (!stopped_.load()) {
    std::vector<pollfd> wanted{{wake_fd_, POLLIN, 0}};
    nodes_.with([&](const Nodes& nodes) {
      for (const Child& child : nodes.children) wanted.push_back({child.socket, POLLIN, 0});
    });
    if (poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR
    std::uint64_t wakes = 0;
    if (wanted[0].revents != 0) (void)!read(wake_fd_, &wakes, sizeof wakes);
    for (std::size_t i = 1; i != wanted.size() && !stopped_.load(); ++i) {
      if (wanted[i].revents != 0) replace(i - 1);
    }
  }
}

void EmbeddedCluster::replace(std::size_t number) {
  Child child = nodes_.with([&](const Nodes& nodes) { return nodes.children[number]; });
  if (child.socket < 0) return;
  hang_up(child.socket);
  kill(child.pid, SIGKILL);  // it may have closed its socket, and nothing else
  const std::string what = std::string("zeromq: the embedded ") + child.role + " (pid " +
                           std::to_string(child.pid) + ") " + detail::text_of_end(reap(child.pid));
  child.socket = -1;
  child.quick_ends = Clock::now() - child.started < quick_end ? child.quick_ends + 1 : 0;
  std::string trouble;
  if (child.quick_ends == max_quick_ends) {
    trouble = what + ", as those before it did; the cluster is given up";
  } else {
    try {
      start(child);
    } catch (const std::exception& error) {
      trouble = what + ", and another one cannot be started: " + error.what();
    }
  }
  nodes_.with([&](Nodes& nodes) { nodes.children[number] = child; });
  if (trouble.empty())
    on_ended_(what + "; another one (pid " + std::to_string(child.pid) + ") was started", false);
  else
    on_ended_(trouble, true);
}

}  // namespace paracord::cluster
