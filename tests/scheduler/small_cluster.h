#pragma once

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "paracord/backends/zeromq/client_ledger.h"
#include "paracord/backends/zeromq/node_ledger.h"
#include "paracord/scheduler/scheduler.h"

namespace paracord::cluster {

using std::chrono::milliseconds;
using std::chrono::seconds;

inline Bytes bytes(std::string text) {
  return std::make_shared<const std::string>(std::move(text));
}

/// A scheduler, clients and nodes, joined by links that lose nothing; the test decides what nodes
/// do with what they get.
class SmallCluster {
 public:
  struct NodeSide {
    NodeLedger ledger;
    std::vector<node::Effect> effects;
    bool cut = false;
    template <class Effect>
    std::vector<Effect> all() const {
      std::vector<Effect> found;
      for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
      }
      return found;
    }
    /// Of what it was told to run and has not been asked for yet.
    std::vector<Assign> runs() const {
      std::vector<Assign> found;
      for (auto& run : all<node::Run>()) found.push_back(run.assign);
      return found;
    }
  };
  struct ClientSide {
    ClientLedger ledger;
    std::vector<client::Effect> effects;
    bool cut = false;
    template <class Effect>
    std::vector<Effect> all() const {
      std::vector<Effect> found;
      for (const auto& effect : effects) {
        if (const auto* one = std::get_if<Effect>(&effect)) found.push_back(*one);
      }
      return found;
    }
  };

  explicit SmallCluster(SchedulerOptions settings = {}) : options(settings) { start_scheduler(); }

  void start_scheduler() { scheduler = std::make_unique<Scheduler>(options, ++epoch); }

  NodeSide& add_node(PeerId id, std::uint32_t slots = 1, std::uint32_t most_parked = 0) {
    NodeHello hello;
    hello.node = id;
    hello.name = "node" + std::to_string(id);
    hello.slots = slots;
    hello.most_parked = most_parked;
    auto& side =
        *(nodes[id] = std::unique_ptr<NodeSide>(new NodeSide{NodeLedger(hello), {}, false}));
    side.ledger.connected(now);
    settle();
    return side;
  }
  ClientSide& add_client(PeerId id, std::uint32_t weight = 1, PeerId root = 0) {
    auto& side = *(clients[id] = std::unique_ptr<ClientSide>(new ClientSide{
                       ClientLedger({id, root == 0 ? id : root, weight, "client"}), {}, false}));
    side.ledger.connected(now);
    settle();
    return side;
  }
  static OpenCall call(CallId id) {
    OpenCall open;
    open.call = id;
    open.label = "work";
    open.setup = bytes("setup");
    return open;
  }
  static Submit batch(BatchId id, CallId call = 1, std::uint32_t count = 1) {
    return {id, call, count, 0, bytes("tasks"), {}};
  }

  /// Lets all packets arrive.
  void settle() {
    for (bool moved = true; moved;) {
      moved = false;
      for (auto& [id, side] : nodes) moved |= exchange(*side, id, Role::node);
      for (auto& [id, side] : clients) moved |= exchange(*side, id, Role::client);
      for (Outgoing& outgoing : scheduler->take_outgoing()) {
        moved = true;
        deliver(std::move(outgoing));
      }
    }
  }
  /// In steps, so that heartbeats keep peers alive that are not cut.
  void advance(Time by) {
    const Time step = milliseconds(50);
    for (const Time end = now + by; now < end;) {
      now = std::min(end, now + step);
      scheduler->tick(now);
      for (auto& [id, side] : nodes) side->ledger.tick(now);
      for (auto& [id, side] : clients) side->ledger.tick(now);
      settle();
    }
  }
  /// The node runs all tasks of it.
  void finish(NodeSide& node, const Assign& assign, std::int64_t nanoseconds = 1000) {
    std::vector<std::uint32_t> tasks(assign.batch.count);
    for (std::uint32_t i = 0; i != tasks.size(); ++i) tasks[i] = i;
    node.ledger.tasks_done(assign.attempt, tasks, bytes("results"));
    node.ledger.batch_over(assign.attempt, assign.batch.count, nanoseconds);
    settle();
  }
  /// The client keeps all that has arrived.
  void keep_all(ClientSide& side) {
    for (const auto& arrived : side.all<client::Arrived>()) {
      for (const std::uint32_t task : arrived.tasks) side.ledger.keep_result(arrived.batch, task);
    }
    settle();
  }

  SchedulerOptions options;
  std::uint64_t epoch = 0;
  Time now{};
  std::unique_ptr<Scheduler> scheduler;
  std::map<PeerId, std::unique_ptr<NodeSide>> nodes;
  std::map<PeerId, std::unique_ptr<ClientSide>> clients;

 private:
  template <class Side>
  bool exchange(Side& side, PeerId id, Role role) {
    bool moved = false;
    if constexpr (requires { side.ledger.hurry(); }) side.ledger.hurry();
    for (Packet& packet : side.ledger.take_outgoing()) {
      moved = true;
      if (!side.cut) scheduler->receive(id, role, std::move(packet), now);
    }
    for (auto& effect : side.ledger.take_effects()) side.effects.push_back(std::move(effect));
    return moved;
  }
  void deliver(Outgoing outgoing) {
    if (const auto node = nodes.find(outgoing.peer); node != nodes.end() && !node->second->cut)
      node->second->ledger.receive(std::move(outgoing.packet), now);
    else if (const auto client = clients.find(outgoing.peer);
             client != clients.end() && !client->second->cut)
      client->second->ledger.receive(std::move(outgoing.packet), now);
  }
};

}  // namespace paracord::cluster
