#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "paracord/core/cluster_decisions.h"
#include "paracord/core/cluster_requests.h"

/// What clients, scheduler and nodes of a cluster say to each other, as plain values: the state
/// machines at the three ends speak in these, and transport/ puts them on the wire.
///
/// Links. Peers (clients, nodes) talk to the scheduler only. A peer opens a session by a packet
/// with sequence number 1 that begins with its hello, which holds all that it has; the other
/// direction uses the same session number, with sequence numbers of its own from 1. Whoever finds a
/// gap, or a session that it does not know, cannot know what was lost: the scheduler answers
/// Resync, and a peer opens its next session. A repeated packet is dropped. So what was lost comes
/// up at the next packet, at the latest with the next heartbeat. The sequence number of the packet
/// of a Resync is the number of the session that it answers: a late one ends no newer session.
namespace paracord::cluster {

/// From anyone, when nothing else was sent for a while.
struct Heartbeat {};
struct Goodbye {};

using Message =
    std::variant<Heartbeat, Goodbye, ClientHello, OpenCall, Submit, CancelCall, CloseCall,
                 Acknowledge, Waiting, ToCome, NodeHello, Results, BatchOver, HaveObjects,
                 DropObjects, Drain, Welcome, Refuse, Resync, CallOpened, NodeJoined, NodeGone,
                 Assigned, Returned, Slots, NodeCall, Assign, CancelAttempt, Retract, Lend,
                 NodeCallClosed, ClientGone, SendAgain, Query, Answer, TaskOutput, NodeReport>;

struct Packet {
  std::uint64_t session = 0;  ///< 0: outside of any session (Resync, Refuse)
  std::uint64_t sequence = 0;
  std::vector<Message> messages;
};

}  // namespace paracord::cluster
