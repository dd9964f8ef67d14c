#include "paracord/backends/worker/initialize.h"

#include <sys/socket.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "paracord/backends/worker/crash_report.h"
#include "paracord/core/roles.h"

namespace paracord {

namespace {

std::atomic<bool> initialized{false};

// The sentinel alone is not enough: the descriptor must be the socket that a parent has left.
bool is_packet_socket(int fd) {
  int type = 0;
  socklen_t size = sizeof type;
  return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

}  // namespace

void initialize(int& argc, char**& argv) {
  initialized.store(true);
  if ((argc != 3 && argc != 4) || argv == nullptr ||
      std::strcmp(argv[1], detail::worker_sentinel) != 0)
    return;
  const int socket = std::atoi(argv[2]);
  if (socket < 3 || !is_packet_socket(socket)) {
    std::fprintf(stderr,
                 "paracord: %s is for worker processes, which a running program starts for itself; "
                 "start the program without it\n",
                 detail::worker_sentinel);
    std::exit(2);
  }
  if (argc == 3) detail::worker_main(socket);
  const detail::RoleMain role = detail::find_role(argv[3]);
  if (role == nullptr) {
    std::fprintf(stderr, "paracord: this program has no role '%s'\n", argv[3]);
    std::exit(2);
  }
  detail::report_crashes_to(detail::last_words_of_role);
  std::exit(role(socket));
}

bool detail::is_initialized() {
  return initialized.load();
}

}  // namespace paracord
