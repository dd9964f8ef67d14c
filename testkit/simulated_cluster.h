#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "paracord/scheduler/scheduler.h"
#include "paracord/testkit/simulated_book.h"
#include "paracord/testkit/simulated_node.h"
#include "paracord/testkit/simulated_program.h"
#include "paracord/testkit/simulated_world.h"

namespace paracord::testkit {

/// A whole cluster on a simulated network and clock: the scheduler and the ledgers of clients and
/// nodes are those of the product, everything around them, and every fault, comes from one seed.
///
/// Threads: one.
class SimulatedCluster {
 public:
  /// What goes wrong; each fault strikes so many times while the simulation is troubled.
  struct Faults {
    int scheduler_restarts = 0, node_deaths = 0, node_drains = 0, program_deaths = 0;
    int cuts = 0, reconnects = 0, false_disconnects = 0;
    Time longest_cut = std::chrono::seconds(25);
    Time longest_restart = std::chrono::seconds(3);
    double loss = 0, duplication = 0;
    Time trouble = std::chrono::seconds(20);
  };
  struct Setting {
    std::uint64_t seed = 1;
    bool verbose = false;
    cluster::SchedulerOptions options;
    int nodes = 3;
    std::uint32_t most_slots = 3, most_parked = 1;
    std::vector<std::pair<std::uint32_t, std::vector<SimCallPlan>>> programs;  ///< by weight
    Faults faults;
    bool checks_each_step = true;  ///< false for clusters so large that this would take too long
    Time patience = std::chrono::seconds(600);  ///< for the end, when nothing goes wrong any more
  };
  /// Of any cluster: sizes, calls and faults by chance.
  static Setting random_setting(std::uint64_t seed);

  struct Report {
    std::string failure;  ///< empty: all rules were kept
    std::uint64_t events = 0, tasks = 0, runs = 0, reruns = 0, deliveries = 0;
    Time end{};
    cluster::SchedulerView view;  ///< at the end
  };
  explicit SimulatedCluster(Setting setting);
  Report run();
  /// Called now and then, to look at what is going on.
  std::function<void(SimulatedCluster&)> on_look;
  Time look_interval = Time::max();
  cluster::SchedulerView view() const;
  double weight_of(PeerId program) const { return programs_.at(program)->weight(); }
  Time now() const { return world_.now(); }

 private:
  void start_scheduler();
  void stop_scheduler();
  void pump_scheduler();
  void wake_scheduler();
  void to_scheduler(PeerId peer, cluster::Packet packet);
  void from_scheduler(PeerId peer, cluster::Packet packet);
  void add_node();
  PeerId add_program(SimProgramPlan plan);
  void watch();
  void notice_losses(const cluster::SchedulerView& now);
  bool is_excused(const SimTask& task) const;
  bool is_stale(PeerId node, const cluster::Attempt& attempt, Time assigned) const;

  void plan_faults();
  void plan(int times, void (SimulatedCluster::*fault)());
  void restart_scheduler();
  void kill_node();
  void drain_node();
  void kill_program();
  void cut();
  void reconnect();
  void disconnect_falsely();
  void end_faults();
  void look();

  SimNode* some_node();
  SimProgram* some_program();
  bool all_programs_are_over() const;
  void check_progress(const cluster::SchedulerView& now);
  void check_bounds();
  void check_the_end();
  std::string describe_all() const;

  const Setting setting_;
  SimWorld world_;
  SimNetwork network_;
  SimBook book_;
  SimProgram::Outside for_programs_;
  SimNode::Outside for_nodes_;
  std::unique_ptr<cluster::Scheduler> scheduler_;
  std::uint64_t epoch_ = 0;
  Time scheduler_wakes_ = Time::max(), scheduler_started_{};
  std::map<std::uint64_t, Time> ends_of_epochs_;
  std::map<PeerId, std::unique_ptr<SimNode>> nodes_;
  std::map<PeerId, std::unique_ptr<SimProgram>> programs_;
  std::vector<PeerId> top_programs_;
  std::map<PeerId, Time> seen_since_;  ///< peers of the present scheduler
  std::map<PeerId, Time> lost_at_;
  bool is_troubled_ = true;
};

}  // namespace paracord::testkit
