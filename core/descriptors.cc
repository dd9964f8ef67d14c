#include "paracord/core/descriptors.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace paracord::detail {

int moved_up(int fd) {
  constexpr int lowest = 10;
  if (fd < 0 || fd >= lowest) return fd;
  const int moved = fcntl(fd, F_DUPFD_CLOEXEC, lowest);
  const int error = errno;
  close(fd);
  errno = error;
  return moved;
}

}  // namespace paracord::detail
