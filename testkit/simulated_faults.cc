// What goes wrong in a simulated cluster, and what must hold all the same.

#include <algorithm>
#include <utility>

#include "paracord/testkit/simulated_cluster.h"

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;
using std::chrono::seconds;

void SimulatedCluster::plan(int times, void (SimulatedCluster::*fault)()) {
  for (int i = 0; i != times; ++i)
    world_.after(world_.between(milliseconds(100), setting_.faults.trouble),
                 [this, fault] { (this->*fault)(); });
}

void SimulatedCluster::plan_faults() {
  const Faults& faults = setting_.faults;
  network_.loss = faults.loss;
  network_.duplication = faults.duplication;
  plan(faults.scheduler_restarts, &SimulatedCluster::restart_scheduler);
  plan(faults.node_deaths, &SimulatedCluster::kill_node);
  plan(faults.node_drains, &SimulatedCluster::drain_node);
  plan(faults.program_deaths, &SimulatedCluster::kill_program);
  plan(faults.cuts, &SimulatedCluster::cut);
  plan(faults.reconnects, &SimulatedCluster::reconnect);
  plan(faults.false_disconnects, &SimulatedCluster::disconnect_falsely);
  world_.at(faults.trouble + milliseconds(1), [this] { end_faults(); });
}

void SimulatedCluster::restart_scheduler() {
  if (!is_troubled_) return;
  stop_scheduler();
  world_.after(world_.between(Time(0), setting_.faults.longest_restart), [this] {
    if (scheduler_ != nullptr) return;
    start_scheduler();
    pump_scheduler();
    // Links come back by themselves; some peers notice.
    for (const auto& [id, node] : nodes_) {
      if (world_.chance(0.5))
        world_.after(world_.between(Time(0), milliseconds(300)),
                     [&node = *node] { node.reconnect(); });
    }
    for (const auto& [id, program] : programs_) {
      if (!program->is_over() && world_.chance(0.5))
        world_.after(world_.between(Time(0), milliseconds(300)),
                     [&program = *program] { program.reconnect(); });
    }
  });
}

SimNode* SimulatedCluster::some_node() {
  std::vector<SimNode*> living;
  for (const auto& [id, node] : nodes_) {
    if (node->lives()) living.push_back(node.get());
  }
  return living.empty() ? nullptr : living[world_.below(living.size())];
}

SimProgram* SimulatedCluster::some_program() {
  std::vector<SimProgram*> living;
  for (const auto& [id, program] : programs_) {
    if (!program->is_over()) living.push_back(program.get());
  }
  return living.empty() ? nullptr : living[world_.below(living.size())];
}

void SimulatedCluster::kill_node() {
  SimNode* const node = some_node();
  if (node == nullptr) return;
  world_.log("node " + std::to_string(node->id()) + " dies");
  node->kill();
  if (scheduler_ != nullptr && world_.chance(0.5)) {
    scheduler_->disconnected(node->id(), world_.now());
    pump_scheduler();
  }
  world_.after(world_.between(Time(0), seconds(5)), [this] { add_node(); });
}

void SimulatedCluster::drain_node() {
  SimNode* const node = some_node();
  if (node == nullptr) return;
  world_.log("node " + std::to_string(node->id()) + " drains");
  node->drain();
  world_.after(world_.between(Time(0), seconds(5)), [this] { add_node(); });
}

void SimulatedCluster::kill_program() {
  const PeerId id = top_programs_[world_.below(top_programs_.size())];
  world_.log("program " + std::to_string(id) + " dies");
  programs_.at(id)->kill();
}

void SimulatedCluster::cut() {
  SimNode* const node = some_node();
  const SimProgram* const program = some_program();
  const bool takes_node = program == nullptr || (node != nullptr && world_.chance(0.7));
  if (node == nullptr && program == nullptr) return;
  const PeerId machine = takes_node ? node->id() : program->machine();
  const std::uint64_t ways = 1 + world_.below(3);
  const Time end = world_.between(milliseconds(10), setting_.faults.longest_cut);
  world_.log("machine " + std::to_string(machine) + " is cut off (" + std::to_string(ways) +
             ") for " + std::to_string(end.count() / 1000000) + " ms");
  for (const auto way : {SimNetwork::Way::up, SimNetwork::Way::down}) {
    if ((ways >> static_cast<int>(way) & 1) == 0) continue;
    network_.cut(machine, way, true);
    world_.after(end, [this, machine, way] { network_.cut(machine, way, false); });
  }
}

void SimulatedCluster::reconnect() {
  if (SimNode* const node = some_node(); node != nullptr && world_.chance(0.5))
    node->reconnect();
  else if (SimProgram* const program = some_program())
    program->reconnect();
}

void SimulatedCluster::disconnect_falsely() {
  const SimNode* const node = some_node();
  if (node == nullptr || scheduler_ == nullptr) return;
  scheduler_->disconnected(node->id(), world_.now());
  pump_scheduler();
}

void SimulatedCluster::end_faults() {
  world_.log("no more faults");
  is_troubled_ = false;
  network_.heal();
  if (scheduler_ == nullptr) {
    start_scheduler();
    pump_scheduler();
  }
}

// What docs/protocol.md says of progress, after each step: where something is queued, a slot of
// those that are there is with tasks that wait for nobody, or free. Nodes do their part of it, too.
void SimulatedCluster::check_progress(const SchedulerView& now) {
  for (const auto& [id, node] : nodes_) {
    if (const std::string wrong = node->check(); !wrong.empty())
      world_.fail("at node " + std::to_string(id) + ": " + wrong);
  }
  if (scheduler_ == nullptr) return;
  std::uint32_t there = 0, usable = 0;
  for (const auto& node : now.nodes) {
    const bool is_up = node.state == std::string("up");
    // Who is suspect may come back, with slots.
    if (!is_up && node.state != std::string("draining")) return;
    there += is_up ? node.slots : 0;
    usable += is_up ? node.usable : 0;
    if (node.lent > node.waiting) world_.fail("slots are lent for tasks that do not wait");
  }
  if (now.tasks_queued != 0 && there != 0 && usable == 0)
    world_.fail("tasks are queued, and all slots are with tasks that wait for others");
}

// Memory stays within what was set, and the ledger keeps within what it was told.
void SimulatedCluster::check_bounds() {
  if (scheduler_ == nullptr || world_.events() % 16 != 0) return;
  for (const auto& client : scheduler_->view(world_.now()).clients) {
    constexpr std::uint64_t one_batch = 16384;
    if (client.queued_bytes > setting_.options.queue_bytes + one_batch)
      world_.fail("a client has more queued than it may: " + std::to_string(client.queued_bytes));
  }
}

std::string SimulatedCluster::describe_all() const {
  std::string text;
  for (const auto& [id, program] : programs_) {
    if (!program->is_over()) text += "\n  " + program->describe();
  }
  for (const auto& node : view().nodes)
    text += "\n  node " + std::to_string(node.id) + " " + node.state + ", " +
            std::to_string(node.slots) + " slots, " + std::to_string(node.lent) + " lent, " +
            std::to_string(node.running) + " running";
  for (const auto& [id, node] : nodes_) {
    if (node->lives()) text += "\n  " + node->describe();
  }
  return text;
}

// Everything has come to its end, and nothing is left of it anywhere.
void SimulatedCluster::check_the_end() {
  if (!all_programs_are_over()) {
    world_.fail("not all has come to its end:" + describe_all());
    return;
  }
  const SchedulerOptions& options = setting_.options;
  if (!setting_.checks_each_step) return;  // heartbeats of minutes
  const Time end = world_.now() + options.client_lost_after + options.node_lost_after + seconds(20);
  while (world_.failure().empty() && world_.step(end)) watch();
  const SchedulerView left = view();
  notice_losses(left);
  if (!left.clients.empty()) world_.fail("the scheduler still knows clients");
  if (left.payload_bytes != 0 || left.tasks_queued != 0)
    world_.fail("the scheduler still holds payloads");
  for (const auto& node : left.nodes) {
    if (node.running != 0 || node.lent != 0)
      world_.fail("the scheduler takes a node for busy: " + std::to_string(node.running) +
                  " batches, " + std::to_string(node.lent) + " lent");
  }
  std::size_t living = 0;
  for (const auto& [id, node] : nodes_) {
    if (!node->lives()) continue;
    ++living;
    if (!node->ledger().is_empty() || node->ledger().held_bytes() != 0)
      world_.fail("a node still holds batches or results");
    if (node->jobs() != 0 || node->open_calls() != 0) world_.fail("a node still has calls open");
    if (!node->ledger().is_welcome()) world_.fail("a node is not welcome");
  }
  if (left.nodes.size() != living)
    world_.fail("the scheduler knows " + std::to_string(left.nodes.size()) + " nodes, and " +
                std::to_string(living) + " live");
}

}  // namespace paracord::testkit
