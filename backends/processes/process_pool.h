#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "paracord/backends/processes/worker_process.h"
#include "paracord/core/event.h"
#include "paracord/core/fork.h"

namespace paracord::detail {

/// Shared, since a worker may end while one thread sends to it and another collects from it.
using WorkerHandle = std::shared_ptr<WorkerProcess>;

/// The worker processes of this program: one pool, from which each call takes what it needs and to
/// which it gives back.
///
/// Two threads serve it. One starts workers (they end with the thread that started them), reads
/// their output and notices their end. The other collects results while no caller does: a caller
/// who waits collects by himself, for everybody.
///
/// Threads: any.
class ProcessPool {
 public:
  using Clock = std::chrono::steady_clock;
  static ProcessPool& instance();
  /// The process has forked off since: all that is here is its ancestor's.
  bool is_an_ancestors() const { return forks_ != fork_count(); }

  /// An idle worker of this kind, or a new one. Throws BackendUnavailable.
  WorkerHandle lease(const WorkerSpec& spec, const WorkerProcess::Call& call);
  /// The call needs it no longer, and nothing of the call is with it. `fit`: for others to use.
  void give_back(WorkerProcess& worker, bool fit);
  /// Kills the worker unless the call has given it back by then.
  void kill_at(WorkerProcess& worker, Clock::time_point time, std::string reason);
  /// It has done what it was to be killed for.
  void spare(WorkerProcess& worker);

  ArenaStore& arenas(const std::optional<std::string>& temp_folder);
  /// Idle workers of this kind end.
  void retire(const std::function<bool(const WorkerSpec&)>& of_kind);
  void set_idle_timeout(std::chrono::milliseconds timeout);
  /// A worker of a call that takes more memory of its own than this is killed. 0: no limit.
  void limit_memory(std::size_t bytes_of_each);
  /// How many were.
  std::uint64_t over_memory() const { return over_memory_.load(); }

  // --- results ---

  /// Collects results on this thread, or waits while another one does, until ready() or the
  /// deadline. Returns ready()'s last answer.
  bool wait(const std::function<bool()>& ready, Deadline deadline);
  /// Lets wait() look again.
  void interrupt();
  /// Results of a call whose caller does not wait are on their way.
  void watch();

 private:
  ProcessPool();
  struct Member {
    WorkerHandle worker;
    bool leased = false;
    bool leaving = false;  // told to end
    bool over_memory = false;
    bool ended = false;  // as the service has seen; its losses are not settled while it is leased
    std::optional<Clock::time_point> kill_time;
    std::string kill_reason;
  };
  struct State {
    std::vector<std::unique_ptr<Member>> members;
    std::map<std::vector<std::string>, std::unique_ptr<ArenaStore>> arenas;
    std::chrono::milliseconds idle_timeout{300'000};
    std::size_t memory_limit = 0;  // of each worker; 0: none
    Clock::time_point memory_look{};
  };
  Member* find(const WorkerProcess& worker);  // under the lock
  void dismiss(Member& member);
  void acquit(Member& member);

  // The service thread's.
  void open_service();
  void start_thread(void (ProcessPool::*main)());
  void serve();
  void look_after(WorkerProcess& worker);
  void worker_ended(WorkerProcess& worker);
  void run_jobs();
  void keep_time();
  void keep_memory(Clock::time_point now);
  int milliseconds_to_sleep();
  void forget_the_dead();
  WorkerHandle start(const WorkerSpec& spec, const WorkerProcess::Call& call);
  void on_service_thread(const std::function<void()>& job);
  void wake_service();

  bool lead();
  void stop_leading();
  void collect_until(const std::function<bool()>& ready, Deadline deadline);
  bool collect_all();
  bool settle(WorkerProcess& worker);
  void collect_in_background();

  const std::uint64_t forks_;
  SpinMutex mutex_;  // of state_
  State state_;

  int bell_fd_ = -1;
  Doorbell* bell_ = nullptr;
  std::atomic<bool> led_{false};
  std::atomic<int> parts_{0};      // places in leased workers that are taken
  std::atomic<int> condemned_{0};  // workers with a time to be killed at
  std::atomic<int> unsettled_{0};  // leased workers that have ended
  std::atomic<std::uint64_t> over_memory_{0};
  std::atomic<std::uint64_t> changes_{1};  // of the leases
  std::uint64_t known_changes_ = 0;        // the leader's, as is
  std::vector<WorkerHandle> leased_;
  std::once_flag background_started_;
  Event followers_;
  Event background_;

  std::atomic<Clock::time_point> sleeps_until_{Clock::time_point::max()};  // the service
  int epoll_ = -1;
  int wake_fd_ = -1;
  struct Job {
    const std::function<void()>* run;
    std::exception_ptr error{};
    std::atomic<bool> done{false};
  };
  Guarded<std::vector<Job*>> jobs_;
  Event jobs_done_;
};

}  // namespace paracord::detail
