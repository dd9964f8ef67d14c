#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/testkit/simulated_world.h"

namespace paracord::testkit {

/// The workers of a simulated node: which of them runs what is decided by the functions that a real
/// node asks. As there, tasks are sent ahead, batches are shared out among workers, and what has
/// happened is seen a little later than it has.
///
/// Threads: one.
class SimWorkers {
 public:
  using CallKey = std::pair<PeerId, cluster::CallId>;
  struct Outside {
    SimWorld& world;
    std::shared_ptr<const bool> lives;  ///< false: the node is dead, and nothing happens any more
    /// A worker begins this task of a batch; task_ended() says that it is done.
    std::function<void(const cluster::Attempt&, std::uint32_t task, std::uint64_t worker)> begin;
    /// Nothing of the batch is left here.
    std::function<void(const cluster::Attempt&)> over;
  };
  SimWorkers(Outside outside, const cluster::NodeHello& about);

  /// A batch that can run, of a call at this nesting level.
  void add(const CallKey& call, std::uint32_t level, const cluster::Attempt& attempt,
           std::uint32_t count);
  /// Whether the worker is at this task, and has not been killed.
  bool runs(std::uint64_t worker, const cluster::Attempt& attempt, std::uint32_t task) const;
  void task_ended(std::uint64_t worker);
  /// What has not begun of the batch does not begin any more.
  void give_back(const cluster::Attempt& attempt);
  /// What runs of it ends as well.
  void kill(const cluster::Attempt& attempt);
  void park(const cluster::Attempt& attempt, bool parked);

  /// What is wrong; empty: nothing. The node's part of the argument for progress in
  /// docs/protocol.md: while something is ready, all slots are with tasks that run, and no task
  /// stands behind one that waits, nor behind others while another call has work.
  std::string check();

 private:
  struct Part {
    cluster::Attempt attempt;
    std::uint32_t next, end;
  };
  struct Lane {
    std::uint64_t worker = 0;  // 0: none
    std::deque<Part> parts;
    std::size_t passed_over = 0;  // taken back from it, and still in its way
    bool asked_back = false;      // the first part ends with the task that runs
    bool waits = false;           // that task, for others, as far as is known
  };
  struct Call {
    std::uint32_t level = 0;
    std::vector<Lane> lanes;
    std::deque<Part> backlog;
    std::set<std::array<std::uint64_t, 2>> parked;
    int most_busy = 0;
    bool ahead = true;
  };
  struct Batch {
    CallKey call;
    std::uint32_t count = 0;
    bool is_ready = true, is_over = false;
    int parts = 0;
  };

  static std::array<std::uint64_t, 2> name_of(const cluster::Attempt& attempt) {
    return {attempt.epoch, attempt.counter};
  }
  struct Decisions;
  bool has_work(const CallKey& key, const Call& call) const;
  void pump_soon();
  void pump();
  void submit(const cluster::Attempt& attempt);
  void hold(Call& call);
  void dispatch(Call& call, Part part);
  void send_backlog(Call& call);
  void share_out(Call& call, std::size_t idle);
  void begin_first(const Lane& lane);
  std::deque<Part> take_queued(Lane& lane);
  void part_ends(const cluster::Attempt& attempt, std::optional<Part> rest);
  void end_if_done(const cluster::Attempt& attempt);

  const Outside out_;
  const int slots_;
  const std::size_t lanes_of_call_;
  std::map<CallKey, Call> calls_;
  std::map<cluster::Attempt, Batch> batches_;
  std::deque<cluster::Attempt> ready_;
  std::uint64_t last_worker_ = 0;
  bool is_pump_due_ = false;
  bool has_changed_ = false;  // since check()
};

}  // namespace paracord::testkit
