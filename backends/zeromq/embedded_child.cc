#include "paracord/backends/zeromq/embedded_child.h"

#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "paracord/backends/processes/backtrace.h"
#include "paracord/backends/processes/spawn.h"
#include "paracord/core/errors.h"
#include "paracord/core/fork.h"

namespace paracord::cluster {

namespace {

constexpr auto longest_start = std::chrono::seconds(30);

const OnWorkerOutput& printer() {
  // Never destroyed: children may print while the program ends.
  static const auto& print = *new OnWorkerOutput([](const Observer::WorkerOutput& output) {
    std::FILE* to = output.is_error ? stderr : stdout;
    std::fputs(output.text.c_str(), to);
    std::fflush(to);
    return true;
  });
  return print;
}

std::vector<pollfd> to_be_read(const std::vector<int>& descriptors) {
  std::vector<pollfd> wanted;
  for (const int fd : descriptors) wanted.push_back({fd, POLLIN, 0});
  return wanted;
}

}  // namespace

EmbeddedChild::EmbeddedChild(const char* role, const detail::RoleOrder& order) : role_(role) {
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
    throw BackendUnavailable(std::string("zeromq: no socket: ") + std::strerror(errno));
  socket_ = detail::Descriptor(detail::moved_up(pair[0]));
  const detail::Descriptor childs(detail::moved_up(pair[1]));
  const detail::WorkerSpec spec{detail::own_environment()};
  pid_ = detail::spawn_worker(spec,
                              {childs.get(), pipes_.output.writing.get(),
                               pipes_.errors.writing.get(), pipes_.last_words.writing.get()},
                              role);
  started_ = Clock::now();
  for (auto* pipe : {&pipes_.output, &pipes_.errors, &pipes_.last_words})
    pipe->writing = detail::Descriptor();
  output_.set_pid(pid_);
  output_.set_call(0, &printer());
  detail::close_in_forked_children(socket_.get());
  if (detail::send_whole(socket_.get(), &order, sizeof order) && wait_until_ready()) return;
  const std::string how = end();
  detail::keep_in_forked_children(socket_.get());
  throw BackendUnavailable(std::string("zeromq: the embedded ") + role + " has not started; it " +
                           how);
}

EmbeddedChild::~EmbeddedChild() {
  hang_up();
  (void)reap();
  output_.drain(true);
  detail::keep_in_forked_children(socket_.get());
}

std::vector<int> EmbeddedChild::descriptors() const {
  std::vector<int> all{socket_.get()};
  for (int i = 0; i != detail::OutputRelay::descriptors; ++i) all.push_back(output_.descriptor(i));
  return all;
}

bool EmbeddedChild::look() {
  output_.drain(false);
  pollfd wanted{socket_.get(), POLLIN, 0};
  return poll(&wanted, 1, 0) == 1 || output_.closed();
}

void EmbeddedChild::hang_up() {
  shutdown(socket_.get(), SHUT_RDWR);
}

std::string EmbeddedChild::end() {
  if (!reaped_) kill(pid_, SIGKILL);  // it may have closed its socket, and nothing else
  std::string how = detail::text_of_end(reap());
  output_.drain(true);
  const std::vector<detail::StackFrame> frames = detail::read_crash_report(output_.last_words());
  how += detail::place_of_crash(frames);
  if (!frames.empty()) how += "\nits backtrace:\n" + detail::text_of(frames);
  const std::string errors = output_.last_errors();
  if (!errors.empty())
    how += (how.ends_with('\n') ? "" : "\n") + ("its last output on stderr:\n" + errors);
  return how;
}

bool EmbeddedChild::wait_until_ready() {
  const auto deadline = Clock::now() + longest_start;
  const std::vector<int> all = descriptors();
  while (Clock::now() < deadline) {
    std::vector<pollfd> wanted = to_be_read(all);
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
    poll(wanted.data(), wanted.size(), static_cast<int>(std::max(left.count(), std::int64_t{0})));
    output_.drain(false);
    if (wanted[0].revents != 0) {
      detail::RoleReady ready;
      return detail::receive_whole(socket_.get(), &ready, sizeof ready) &&
             ready.magic == detail::RoleOrder::right;
    }
  }
  return false;
}

// None: the program reaps children that are not its own.
std::optional<int> EmbeddedChild::reap() {
  if (std::exchange(reaped_, true)) return std::nullopt;
  int status = 0;
  int reaped = 0;
  while ((reaped = waitpid(pid_, &status, 0)) < 0 && errno == EINTR) {
  }
  return reaped == pid_ ? std::optional(status) : std::nullopt;
}

}  // namespace paracord::cluster
