#include "paracord/transport/outbox.h"

#include <vector>

namespace paracord::cluster::data {

namespace {

// Enough to keep a connection busy, while the next are read and checked.
constexpr int most_sending = 4;
// Far more than any window; a peer that asks for more is not obeyed.
constexpr std::size_t most_waiting = 1 << 16;

}  // namespace

void Outbox::add(PeerId peer, const Item& item) {
  Queue& queue = queues_[peer];
  if (queue.waiting.size() >= most_waiting || !queue.waiting.insert(item).second) return;
  queue.items.push_back(item);
}

std::set<PeerId> Outbox::drop_object(const ObjectId& object) {
  std::set<PeerId> waited;
  for (auto& [peer, queue] : queues_) {
    const auto dropped =
        std::erase_if(queue.items, [&](const Item& item) { return item.object == object; });
    if (dropped == 0) continue;
    std::erase_if(queue.waiting, [&](const Item& item) { return item.object == object; });
    waited.insert(peer);
  }
  return waited;
}

Outbox::Turn Outbox::make_turn(Queue& queue) const {
  queue.sending->fetch_add(1);
  return Turn(static_cast<const void*>(this),
              [sending = queue.sending, waker = waker_](const void*) {
                sending->fetch_sub(1);
                waker->wake();
              });
}

void Outbox::pump(PeerId peer, const Send& send) {
  // Sending may find the connection gone, and drop the queue.
  for (auto found = queues_.find(peer); found != queues_.end(); found = queues_.find(peer)) {
    Queue& queue = found->second;
    if (queue.items.empty() || queue.sending->load() >= most_sending) return;
    const Item item = queue.items.front();
    queue.items.pop_front();
    queue.waiting.erase(item);
    if (send(peer, item, make_turn(queue))) continue;
    if (const auto still = queues_.find(peer); still != queues_.end()) {
      still->second.items.push_front(item);
      still->second.waiting.insert(item);
    }
    return;
  }
}

void Outbox::pump(const Send& send) {
  std::vector<PeerId> peers;
  for (const auto& [peer, queue] : queues_) {
    if (!queue.items.empty()) peers.push_back(peer);
  }
  for (const PeerId peer : peers) pump(peer, send);
}

bool Outbox::is_empty() const {
  for (const auto& [peer, queue] : queues_) {
    if (!queue.items.empty()) return false;
  }
  return true;
}

}  // namespace paracord::cluster::data
