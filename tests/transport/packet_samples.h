#pragma once

#include "paracord/core/cluster_messages.h"

namespace paracord::cluster {

/// A packet with each kind of message.
inline Packet sample_packet() {
  const auto bytes = std::make_shared<const std::string>("bytes \0 and more");
  const ObjectId object{{1, 2}, 3};
  const Attempt attempt{4, 5};
  const NodeAddress address{6, "node", "tcp://host:1", "key"};
  OpenCall call{7, -1, 2, attempt, 8, "label", bytes, 3};
  Submit batch{9, 7, 2, 1, bytes, {object, object}, "label"};
  ClientHello client{1, 10, 11, 2, "client", 12, {6, 8}, {call}, {{9, 7, 2, attempt, 6}}};
  NodeHello node{
      1, 6, "node", 4, 5, "tcp://host:1", "key", 12, true, {{10, 9, attempt, true}}, {object}};
  return {21,
          22,
          {Heartbeat{},
           Goodbye{},
           client,
           call,
           batch,
           CancelCall{7},
           CloseCall{7},
           Acknowledge{6, attempt, {0, 1}},
           Waiting{7, false},
           ToCome{7, 1000},
           node,
           Results{10, 9, attempt, 6, {0, 1}, bytes},
           BatchOver{10, 9, attempt, 1, -5, "no"},
           HaveObjects{{object}},
           DropObjects{{object, object}},
           Drain{},
           Welcome{12, 13, 14, "tcp://*:7712", 15},
           Refuse{"why"},
           Resync{},
           CallOpened{7, true, 4},
           NodeJoined{address},
           NodeGone{6, "silence"},
           Assigned{9, attempt, 6},
           Returned{9, attempt, 1, true, "no"},
           Slots{4},
           NodeCall{10, 11, call},
           Assign{10, attempt, batch, {{object, {address}}}},
           CancelAttempt{attempt},
           Retract{attempt},
           Lend{attempt, true},
           NodeCallClosed{10, 7},
           ClientGone{10},
           SendAgain{10, {{10, 9, attempt, false}}},
           Query{},
           Answer{"{}"},
           TaskOutput{10, 7, "node", 3, 42, true, "a line\n"},
           NodeReport{1, 2, 3, 4, 5, 6, {{10, "label", 2, "what it said"}}}}};
}

}  // namespace paracord::cluster
