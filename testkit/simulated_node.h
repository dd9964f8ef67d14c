#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "paracord/backends/zeromq/node_ledger.h"
#include "paracord/testkit/simulated_program.h"
#include "paracord/testkit/simulated_workers.h"

namespace paracord::testkit {

/// A node: runs what it is told on its workers, in virtual time. A task that makes calls is a
/// program of its own, on this machine.
class SimNode {
 public:
  struct Outside {
    SimWorld& world;
    SimNetwork& network;
    SimBook& book;
    std::function<void(PeerId, cluster::Packet)> to_scheduler;
    std::function<PeerId(SimProgramPlan)> start_program;
    std::function<void(PeerId, bool)> end_program;  ///< and whether it can say goodbye
    bool slots_go;                                  ///< of nodes that die, drain or fall silent
  };
  SimNode(Outside& outside, const cluster::NodeHello& about);
  SimNode(const SimNode&) = delete;

  void start();
  void receive(cluster::Packet packet);
  void reconnect();
  void kill();
  /// Gives back what was not begun, and leaves when the rest has been acknowledged.
  void drain();
  bool lives() const { return *lives_; }
  PeerId id() const { return about_.node; }
  const cluster::NodeLedger& ledger() const { return ledger_; }
  void program_ended(PeerId program);
  std::size_t open_calls() const { return calls_.size(); }
  std::string describe() const;
  /// What its workers do that they should not; empty: nothing.
  std::string check() { return *lives_ ? workers_.check() : std::string(); }
  std::size_t jobs() const { return jobs_.size(); }

 private:
  struct Job {
    cluster::Assign assign;
    std::vector<TaskNumber> tasks;
    std::vector<bool> done;
    std::vector<std::uint32_t> unreported;
    Time assigned{};
    std::optional<Time> began;
  };
  struct Caller {
    cluster::Attempt attempt;
    std::uint32_t task;
    std::uint64_t worker;
  };

  void begin_task(const cluster::Attempt& attempt, std::uint32_t task, std::uint64_t worker);
  void start_nested(const Job& job, const SimTask& task, const Caller& caller);
  void task_ended(const Caller& caller);
  void report(Job& job);
  void end_job(const cluster::Attempt& attempt);
  void pump();
  void wake();

  void on(const cluster::node::OpenCall& effect);
  void on(const cluster::node::Run& effect);
  void on(const cluster::node::Stop& effect);
  void on(const cluster::node::GiveBack& effect);
  void on(const cluster::node::Lent& effect);
  void on(const cluster::node::Release& effect);
  void on(const cluster::node::EndCall& effect);
  void on(const cluster::node::EndClient&) {}
  void on(const cluster::node::Refused& effect);
  void on(const cluster::node::UseRelay&) {}

  Outside& out_;
  const cluster::NodeHello about_;
  cluster::NodeLedger ledger_;
  std::map<cluster::Attempt, Job> jobs_;
  std::set<cluster::Attempt> lent_;
  std::map<std::pair<PeerId, cluster::CallId>, cluster::NodeCall> calls_;
  std::map<std::pair<cluster::Attempt, std::uint32_t>, TaskNumber> held_;
  std::map<PeerId, Caller> programs_;  ///< of tasks that make calls
  std::set<cluster::ObjectId> objects_;
  bool is_pumping_ = false, is_draining_ = false;
  Time wake_at_ = Time::max();
  std::shared_ptr<bool> lives_ = std::make_shared<bool>(true);
  SimWorkers workers_;
};

}  // namespace paracord::testkit
