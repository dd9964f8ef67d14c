// A worker process, from its start to its loop.

#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "paracord/backends/worker/crash_report.h"
#include "paracord/backends/worker/initialize.h"
#include "paracord/backends/worker/worker_loop.h"
#include "paracord/core/describe_error.h"
#include "paracord/core/service_thread.h"

namespace paracord::detail {

namespace {

[[noreturn]] void give_up(const char* why) {
  std::fprintf(stderr, "paracord: a worker process cannot start: %s\n", why);
  std::_Exit(3);
}

template <class T>
T& map_shared(int fd) {
  void* mapped = mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) give_up("its channel cannot be mapped");
  close(fd);
  return *static_cast<T*>(mapped);
}

// Also what its tasks have started: that is in its process group.
[[noreturn]] void end_with_group() {
  if (getpgrp() == getpid()) kill(0, SIGKILL);
  std::_Exit(0);
}

void take_leave_with_the_parent(const Hello& hello) {
  signal(SIGHUP, [](int) { end_with_group(); });
  prctl(PR_SET_PDEATHSIG, SIGHUP);
  // It may have gone before that.
  if (getppid() != hello.parent) end_with_group();
}

// The end of the socket is the end of the parent, or of this worker's time. Comes where a task
// keeps the signal from coming.
void watch(int socket, NoticeReader& notices) {
  while (notices.drain()) {
    pollfd wanted{socket, POLLIN, 0};
    poll(&wanted, 1, -1);
  }
  end_with_group();
}

}  // namespace

void worker_main(int socket) {
  Hello hello{};
  int descriptors[3];
  if (receive_with_descriptors(socket, &hello, sizeof hello, descriptors, 3) !=
          static_cast<long>(sizeof hello) ||
      hello.magic != Hello::right) {
    give_up("its parent runs another version of the library");
  }
  take_leave_with_the_parent(hello);
  if (const char* node = std::getenv(node_name_variable)) set_host_name(node);
  report_crashes_to(descriptors[2]);
  if (CPU_COUNT(&hello.cpus) != 0) sched_setaffinity(0, sizeof hello.cpus, &hello.cpus);
  std::setvbuf(stdout, nullptr, _IOLBF, BUFSIZ);
  auto& channel = map_shared<Channel>(descriptors[0]);
  auto& bell = map_shared<Doorbell>(descriptors[1]);
  // Never destroyed: the process ends inside run().
  auto* loop = new WorkerLoop(channel, bell, socket, hello);
  service_thread([=] { watch(socket, loop->notices()); }).detach();
  loop->run();
}

}  // namespace paracord::detail
