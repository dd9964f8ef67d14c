#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/status.h"

/// Packets as Cap'n Proto messages; see protocol.capnp.
namespace paracord::cluster {

/// No control message is larger. What does not fit goes through the data plane.
inline constexpr std::size_t largest_packet = std::size_t{64} << 20;

std::string encode_packet(const Packet& packet);

/// Reads what came from a peer that may be anything. Errors: StatusCode::invalid_argument, with
/// what is wrong; the packet is then of no use.
///
/// `bytes` need not be aligned.
Status decode_packet(std::span<const std::byte> bytes, Packet& packet);

}  // namespace paracord::cluster
