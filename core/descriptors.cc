#include "paracord/core/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace paracord::detail {

Descriptor::~Descriptor() {
  if (fd_ >= 0) close(fd_);
}

int moved_up(int fd) {
  constexpr int lowest = 10;
  if (fd < 0 || fd >= lowest) return fd;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  const int error = errno;
  close(fd);
  errno = error;
  return moved;
}

void fill_standard_descriptors() {
  for (int fd = 0; fd <= STDERR_FILENO; ++fd) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    // The lowest that is free: this one, unless another thread has just taken it.
    const int opened = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (opened > STDERR_FILENO) close(opened);
  }
}

}  // namespace paracord::detail
