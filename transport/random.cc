#include "paracord/transport/random.h"

#include <sys/random.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>

namespace paracord::cluster {

std::uint64_t random_number() {
  std::uint64_t number = 0;
  while (number == 0) {
    if (getrandom(&number, sizeof number, 0) == static_cast<ssize_t>(sizeof number)) continue;
    if (errno != EINTR)
      throw std::runtime_error(std::string("no random numbers: ") + std::strerror(errno));
    number = 0;
  }
  return number;
}

}  // namespace paracord::cluster
