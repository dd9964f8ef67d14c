#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "paracord/scheduler/scheduler.h"
#include "paracord/transport/control_server.h"
#include "paracord/transport/relay.h"

namespace paracord::cluster {

/// The scheduler's process: joins the state machine to its links and to the clock.
///
/// Threads: stop() and view() from any; run() by one.
class SchedulerServer {
 public:
  struct Options {
    ControlServer::Options control;
    SchedulerOptions scheduler{};
    /// Told of the nodes that come and go, as peers are told of it: at its own address, unless
    /// `scheduler` has another one. Null: there is none.
    std::shared_ptr<Relay> relay{};
    /// Answers a Query, for `paracord status`.
    std::function<std::string(const SchedulerView&, const ControlServer::Counters&)> describe;
  };
  /// Listens from now on. Throws BackendUnavailable.
  explicit SchedulerServer(Options options);
  SchedulerServer(const SchedulerServer&) = delete;
  ~SchedulerServer();

  const std::vector<std::string>& addresses() const;

  /// Serves until stop().
  void run();
  void stop();

  struct Seen {
    SchedulerView view;
    ControlServer::Counters links{};
    Relay::Counters relay{};
    Time loop_lag{};        ///< how long the last turn of its loop took
    bool is_fresh = false;  ///< its loop has answered
  };
  /// As of the last turn of the loop, which it asks for.
  Seen see(bool with_history = false);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace paracord::cluster
