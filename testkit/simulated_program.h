#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "paracord/backends/zeromq/client_ledger.h"
#include "paracord/testkit/simulated_book.h"
#include "paracord/testkit/simulated_world.h"

namespace paracord::testkit {

/// What a program, or a task that makes a call, wants to have done.
struct SimCallPlan {
  std::int32_t priority = 0;
  int tasks = 0, most_batch = 1, window = 8;  ///< window: batches that are not over
  Time least_duration{}, most_duration{};
  double nested = 0;            ///< the part of the tasks that make calls
  int deepest = 2;              ///< levels of those
  int most_nested = 4;          ///< tasks of each
  bool is_read_slowly = false;  ///< its caller waits for each result, not for all
  double fetched = 0;           ///< the part of the results that have to be fetched
  std::size_t payload = 0;
  std::vector<cluster::ObjectId> needs;
  Time cancel_after = Time::max();
};

struct SimProgramPlan {
  cluster::ClientLedger::Identity identity;
  PeerId machine = 0;
  std::vector<SimCallPlan> calls;  ///< all at once
  // Of a task that makes calls.
  cluster::Attempt parent{};
  PeerId parent_node = 0;
  int depth = 0;
};

/// A client: opens calls, submits their tasks until each has its result, and leaves.
class SimProgram {
 public:
  struct Outside {
    SimWorld& world;
    SimNetwork& network;
    SimBook& book;
    std::function<void(PeerId, cluster::Packet)> to_scheduler;
    std::function<bool(PeerId)> node_lives;
    std::function<void(PeerId)> program_ends;
  };
  SimProgram(Outside& outside, SimProgramPlan plan);
  SimProgram(const SimProgram&) = delete;

  void start();
  void receive(cluster::Packet packet);
  void reconnect();
  /// Vanishes without a word.
  void kill();
  /// Says goodbye, whatever it has not got.
  void leave();
  bool is_over() const { return over_; }
  PeerId id() const { return plan_.identity.client; }
  double weight() const { return plan_.identity.weight; }
  PeerId machine() const { return plan_.machine; }
  bool knew_node_before(PeerId node, Time time) const;
  std::string describe() const;

 private:
  struct Call {
    SimCallPlan plan;
    cluster::OpenCall open;
    std::vector<TaskNumber> todo;
    std::size_t batches = 0, undelivered = 0;
    bool is_ready = false, is_inline = false, is_closed = false, is_waiting = false;
  };
  struct Batch {
    cluster::CallId call = 0;
    std::vector<TaskNumber> tasks;
  };

  void open_call(cluster::CallId id);
  void submit(cluster::CallId id);
  void wait(cluster::CallId id);
  void stop_waiting_for_a_while(cluster::CallId id);
  void cancel(cluster::CallId id);
  void close(cluster::CallId id);
  void run_inline(cluster::CallId id, std::size_t next);
  void fetched(const cluster::client::Arrived& arrived, std::uint32_t task);
  void pump();
  void wake();
  void end();
  void want_nothing();

  void on(const cluster::client::CallReady& effect);
  void on(const cluster::client::ClusterSlots&) {}
  void on(const cluster::client::DialNode& effect);
  void on(const cluster::client::ForgetNode& effect);
  void on(const cluster::client::Arrived& effect);
  void on(const cluster::client::Over& effect);
  void on(const cluster::client::Printed&) {}
  void on(const cluster::client::Refused& effect);
  void on(const cluster::client::UseRelay&) {}
  void on(const cluster::client::NodesAreLostAfter&) {}

  Outside& out_;
  const SimProgramPlan plan_;
  cluster::ClientLedger ledger_;
  std::map<cluster::CallId, Call> calls_;
  std::map<cluster::BatchId, Batch> batches_;
  std::map<PeerId, Time> nodes_;
  cluster::BatchId last_batch_ = 0;
  bool over_ = false, is_pumping_ = false, is_leaving_ = false;
  Time wake_at_ = Time::max();
  std::shared_ptr<bool> lives_ = std::make_shared<bool>(true);
};

}  // namespace paracord::testkit
