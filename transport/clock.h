#pragma once

#include <chrono>

#include "paracord/core/cluster_ids.h"

namespace paracord::cluster {

/// Of the steady clock, since its beginning; from any thread.
inline Time now() {
  return std::chrono::steady_clock::now().time_since_epoch();
}

}  // namespace paracord::cluster
