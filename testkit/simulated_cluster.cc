#include "paracord/testkit/simulated_cluster.h"

#include <algorithm>
#include <utility>

#include "paracord/testkit/message_names.h"

namespace paracord::testkit {

using namespace cluster;
using std::chrono::milliseconds;
using std::chrono::seconds;

SimulatedCluster::SimulatedCluster(Setting setting)
    : setting_(std::move(setting)),
      world_(setting_.seed),
      network_(world_),
      book_(world_),
      for_programs_{world_,
                    network_,
                    book_,
                    [this](PeerId peer, Packet packet) { to_scheduler(peer, std::move(packet)); },
                    [this](PeerId node) {
                      const auto found = nodes_.find(node);
                      return found != nodes_.end() && found->second->lives();
                    },
                    [this](PeerId program) {
                      const auto machine = nodes_.find(programs_.at(program)->machine());
                      if (machine != nodes_.end()) machine->second->program_ended(program);
                    }},
      for_nodes_{world_,
                 network_,
                 book_,
                 [this](PeerId peer, Packet packet) { to_scheduler(peer, std::move(packet)); },
                 [this](SimProgramPlan plan) { return add_program(std::move(plan)); },
                 [this](PeerId program, bool politely) {
                   SimProgram& ended = *programs_.at(program);
                   politely ? ended.leave() : ended.kill();
                 },
                 setting_.faults.node_deaths + setting_.faults.node_drains + setting_.faults.cuts +
                             setting_.faults.scheduler_restarts +
                             setting_.faults.false_disconnects !=
                         0 ||
                     setting_.faults.loss != 0} {
  world_.verbose = setting_.verbose;
  book_.is_stale = [this](PeerId node, const Attempt& attempt, Time assigned) {
    return is_stale(node, attempt, assigned);
  };
  book_.is_excused = [this](const SimTask& task) { return is_excused(task); };
}

void SimulatedCluster::start_scheduler() {
  scheduler_ = std::make_unique<Scheduler>(setting_.options, ++epoch_);
  scheduler_started_ = world_.now();
  scheduler_wakes_ = Time::max();
  seen_since_.clear();
  world_.log("scheduler " + std::to_string(epoch_) + " starts");
}

void SimulatedCluster::stop_scheduler() {
  if (scheduler_ == nullptr) return;
  scheduler_ = nullptr;
  ends_of_epochs_[epoch_] = world_.now();
  world_.log("scheduler " + std::to_string(epoch_) + " ends");
}

void SimulatedCluster::to_scheduler(PeerId peer, Packet packet) {
  if (scheduler_ == nullptr) return;
  if (world_.verbose) world_.log(std::to_string(peer) + " -> " + describe(packet));
  const Role role = nodes_.contains(peer) ? Role::node : Role::client;
  scheduler_->receive(peer, role, std::move(packet), world_.now());
  pump_scheduler();
}

void SimulatedCluster::from_scheduler(PeerId peer, Packet packet) {
  if (world_.verbose) world_.log(std::to_string(peer) + " <- " + describe(packet));
  if (const auto node = nodes_.find(peer); node != nodes_.end())
    node->second->receive(std::move(packet));
  else if (const auto program = programs_.find(peer); program != programs_.end())
    program->second->receive(std::move(packet));
}

void SimulatedCluster::pump_scheduler() {
  for (Outgoing& outgoing : scheduler_->take_outgoing()) {
    const auto program = programs_.find(outgoing.peer);
    const PeerId machine = program == programs_.end() ? outgoing.peer : program->second->machine();
    network_.send(
        outgoing.peer, machine, SimNetwork::Way::down, std::move(outgoing.packet),
        [this, peer = outgoing.peer](Packet packet) { from_scheduler(peer, std::move(packet)); });
  }
  wake_scheduler();
}

void SimulatedCluster::wake_scheduler() {
  const Time deadline = std::max(scheduler_->next_deadline(), world_.now());
  if (deadline >= scheduler_wakes_) return;
  scheduler_wakes_ = deadline;
  world_.at(deadline, [this, deadline, epoch = epoch_] {
    if (scheduler_ == nullptr || epoch != epoch_ || scheduler_wakes_ != deadline) return;
    scheduler_wakes_ = Time::max();
    scheduler_->tick(world_.now());
    pump_scheduler();
  });
}

void SimulatedCluster::add_node() {
  NodeHello about;
  about.node = world_.new_peer();
  about.name = "node";
  about.slots = 1 + static_cast<std::uint32_t>(world_.below(setting_.most_slots));
  about.most_parked = static_cast<std::uint32_t>(world_.below(setting_.most_parked + 1));
  about.data_address = "data";
  auto& node = nodes_[about.node] = std::make_unique<SimNode>(for_nodes_, about);
  world_.log("node " + std::to_string(about.node) + " with " + std::to_string(about.slots) +
             " slots and " + std::to_string(about.most_parked) + " parking places");
  node->start();
}

PeerId SimulatedCluster::add_program(SimProgramPlan plan) {
  const PeerId id = world_.new_peer();
  plan.identity.client = id;
  if (plan.identity.root == 0) plan.identity.root = id;
  if (plan.machine == 0) plan.machine = id;
  auto& program = programs_[id] = std::make_unique<SimProgram>(for_programs_, std::move(plan));
  world_.after(milliseconds(0), [&program = *program] {
    if (!program.is_over()) program.start();
  });
  return id;
}

// What the scheduler knows of peers tells when it has given one up.
void SimulatedCluster::notice_losses(const SchedulerView& now) {
  if (scheduler_ == nullptr) return;
  std::map<PeerId, Time> seen;
  const auto see = [&](PeerId id) {
    const auto before = seen_since_.find(id);
    seen[id] = before == seen_since_.end() ? world_.now() : before->second;
  };
  for (const auto& node : now.nodes) see(node.id);
  for (const auto& client : now.clients) see(client.id);
  for (const auto& [id, since] : seen_since_) {
    if (seen.contains(id)) continue;
    lost_at_[id] = world_.now();
    world_.log("peer " + std::to_string(id) + " is gone from the scheduler");
  }
  seen_since_ = std::move(seen);
}

bool SimulatedCluster::is_stale(PeerId node, const Attempt& attempt, Time assigned) const {
  const auto lost = lost_at_.find(node);
  return attempt.epoch < epoch_ || (lost != lost_at_.end() && lost->second >= assigned);
}

// By the failure model: its holder lives, the scheduler has not given it or the client up, and it
// has come in time to a new scheduler, if the client could say that it knows it.
bool SimulatedCluster::is_excused(const SimTask& task) const {
  const auto holder = nodes_.find(task.holder);
  if (holder == nodes_.end() || !holder->second->lives()) return true;
  for (const PeerId peer : {task.holder, task.client}) {
    const auto lost = lost_at_.find(peer);
    if (lost != lost_at_.end() && lost->second >= task.assigned) return true;
  }
  const auto& program = *programs_.at(task.client);
  if (task.attempt.epoch < epoch_) {
    const auto ended = ends_of_epochs_.find(task.attempt.epoch);
    if (!program.knew_node_before(task.holder, ended->second)) return true;
    const auto seen = seen_since_.find(task.holder);
    const Time late = setting_.options.node_lost_after;
    if (seen == seen_since_.end() ? world_.now() - scheduler_started_ >= late
                                  : seen->second - scheduler_started_ >= late)
      return true;
  }
  return false;
}

// After each step, or, in a large cluster, after very many.
void SimulatedCluster::watch() {
  if (!setting_.checks_each_step && world_.events() % 100'000 != 0) return;
  const SchedulerView now = view();
  notice_losses(now);
  check_progress(now);
  check_bounds();
}

SchedulerView SimulatedCluster::view() const {
  return scheduler_ == nullptr ? SchedulerView{} : scheduler_->view(world_.now());
}

bool SimulatedCluster::all_programs_are_over() const {
  return std::all_of(programs_.begin(), programs_.end(),
                     [](const auto& program) { return program.second->is_over(); });
}

void SimulatedCluster::look() {
  on_look(*this);
  world_.after(look_interval, [this] { look(); });
}

SimulatedCluster::Report SimulatedCluster::run() {
  start_scheduler();
  pump_scheduler();
  for (int i = 0; i != setting_.nodes; ++i)
    world_.after(world_.between(Time(0), milliseconds(500)), [this] { add_node(); });
  for (const auto& [weight, calls] : setting_.programs) {
    SimProgramPlan plan;
    plan.identity.weight = weight;
    plan.identity.name = "program";
    plan.calls = calls;
    top_programs_.push_back(add_program(std::move(plan)));
  }
  plan_faults();
  if (on_look) world_.after(look_interval, [this] { look(); });
  const Time limit = setting_.faults.trouble + setting_.patience;
  while (world_.failure().empty() && (is_troubled_ || !all_programs_are_over())) {
    if (!world_.step(limit)) break;
    watch();
  }
  if (world_.failure().empty()) check_the_end();
  return {world_.failure(), world_.events(),  book_.size(), book_.runs,
          book_.reruns,     book_.deliveries, world_.now(), view()};
}

}  // namespace paracord::testkit
