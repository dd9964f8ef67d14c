#include "paracord/transport/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>

#include "paracord/core/errors.h"

namespace paracord::cluster::data {

Waker::Waker() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (fd_ < 0) {
    throw BackendUnavailable(std::string("cannot open an event descriptor: ") +
                             std::strerror(errno) + "; raise the limit of open files (ulimit -n)");
  }
}

Waker::~Waker() {
  close(fd_);
}

void Waker::wake() {
  const std::uint64_t one = 1;
  if (!woken_.exchange(true)) (void)!write(fd_, &one, sizeof one);
}

// In this order: a wake in between writes again, and one before was for what is looked at now.
void Waker::clear() {
  std::uint64_t count = 0;
  (void)!read(fd_, &count, sizeof count);
  woken_.store(false);
}

}  // namespace paracord::cluster::data
