#pragma once

#include <cstddef>
#include <iterator>
#include <utility>
#include <vector>

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

/// A packet ends behind the message with which it grows over this, so that the control sockets can
/// refuse what is absurdly large.
inline constexpr std::size_t most_packet_bytes = std::size_t{4} << 20;

/// What a message adds to a packet, apart from small change.
inline std::size_t payload_bytes(const Message& message) {
  constexpr std::size_t usual = 64;
  if (const auto* submit = std::get_if<Submit>(&message))
    return usual + (submit->payload ? submit->payload->size() : 0);
  if (const auto* assign = std::get_if<Assign>(&message))
    return usual + (assign->batch.payload ? assign->batch.payload->size() : 0);
  if (const auto* results = std::get_if<Results>(&message))
    return usual + (results->payload ? results->payload->size() : 0);
  if (const auto* open = std::get_if<OpenCall>(&message))
    return usual + (open->setup ? open->setup->size() : 0);
  if (const auto* told = std::get_if<NodeCall>(&message))
    return usual + (told->call.setup ? told->call.setup->size() : 0);
  if (const auto* output = std::get_if<TaskOutput>(&message)) return usual + output->text.size();
  return usual;
}

/// Takes the messages of the next packet from the front.
inline std::vector<Message> take_packet(std::vector<Message>& outbox) {
  std::size_t bytes = 0, count = 0;
  while (count != outbox.size() && bytes < most_packet_bytes)
    bytes += payload_bytes(outbox[count++]);
  if (count == outbox.size()) return std::exchange(outbox, {});
  const auto end = outbox.begin() + static_cast<std::ptrdiff_t>(count);
  std::vector<Message> taken(std::make_move_iterator(outbox.begin()), std::make_move_iterator(end));
  outbox.erase(outbox.begin(), end);
  return taken;
}

}  // namespace paracord::cluster
