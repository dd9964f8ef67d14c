#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "paracord/backends/zeromq/node_ledger.h"
#include "paracord/testkit/simulated_program.h"

namespace paracord::testkit {

/// A node: runs what it is told on its slots, in virtual time. A task that makes calls is a program
/// of its own, on this machine.
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
  SimNode(Outside& outside, cluster::NodeHello about);
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
  std::size_t jobs() const { return jobs_.size(); }

 private:
  struct Job {
    cluster::Assign assign;
    std::vector<TaskNumber> tasks;
    std::uint32_t next = 0;
    bool is_begun = false, ends_early = false;
    std::vector<std::uint32_t> unreported;
    Time assigned{}, began{};
    PeerId program = 0;
  };

  void begin_jobs();
  void begin_task(const cluster::Attempt& attempt);
  void start_nested(Job& job, const SimTask& task);
  void task_ended(const cluster::Attempt& attempt);
  void report(Job& job);
  void end_job(const cluster::Attempt& attempt);
  void give_back(const cluster::Attempt& attempt);
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
  std::deque<cluster::Attempt> queue_;
  std::set<cluster::Attempt> lent_;
  std::map<std::pair<PeerId, cluster::CallId>, PeerId> calls_;  ///< and their roots
  std::map<std::pair<cluster::Attempt, std::uint32_t>, TaskNumber> held_;
  std::map<PeerId, cluster::Attempt> programs_;
  std::set<cluster::ObjectId> objects_;
  std::uint32_t begun_ = 0;
  bool is_pumping_ = false, is_draining_ = false;
  Time wake_at_ = Time::max();
  std::shared_ptr<bool> lives_ = std::make_shared<bool>(true);
};

}  // namespace paracord::testkit
