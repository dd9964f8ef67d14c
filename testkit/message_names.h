#pragma once

#include <string>

#include "paracord/core/cluster_messages.h"

namespace paracord::testkit {

/// What a packet holds, in a few words, for people who replay a seed.
std::string describe(const cluster::Packet& packet);

}  // namespace paracord::testkit
