#pragma once

#include <atomic>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>

#include "paracord/core/cluster_messages.h"
#include "paracord/transport/waker.h"

namespace paracord::cluster::data {

/// Chunks that peers have asked for. Few of each peer are in ZeroMQ's hands at a time: whoever
/// reads slowly fills no queues, and what is withdrawn is not sent any more, but for those.
///
/// Threads: one; Turns may end on any.
class Outbox {
 public:
  struct Item {
    ObjectId object;
    std::uint32_t chunk = 0;
    auto operator<=>(const Item&) const = default;
  };
  /// One of the chunks in ZeroMQ's hands. The next one's turn comes when it is destroyed.
  using Turn = std::shared_ptr<const void>;
  explicit Outbox(std::shared_ptr<Waker> waker) : waker_(std::move(waker)) {}

  /// What is waiting already is not sent twice.
  void add(PeerId peer, const Item& item);
  void drop_peer(PeerId peer) { queues_.erase(peer); }
  /// Returns who was waiting for it.
  std::set<PeerId> drop_object(const ObjectId& object);
  /// Hands over as many as may be. `send` returns whether there was room; if not, it is tried
  /// again.
  using Send = std::function<bool(PeerId, const Item&, const Turn&)>;
  void pump(const Send& send);
  bool is_empty() const;

 private:
  struct Queue {
    std::deque<Item> items;
    std::set<Item> waiting;
    std::shared_ptr<std::atomic<int>> sending = std::make_shared<std::atomic<int>>(0);
  };
  Turn make_turn(Queue& queue) const;
  void pump(PeerId peer, const Send& send);

  const std::shared_ptr<Waker> waker_;
  std::map<PeerId, Queue> queues_;
};

}  // namespace paracord::cluster::data
