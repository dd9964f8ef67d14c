#pragma once

#include <cstdint>

namespace paracord::cluster {

/// From the system; not 0. For names that nobody else shall have.
std::uint64_t random_number();

}  // namespace paracord::cluster
