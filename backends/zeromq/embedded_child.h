#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "paracord/backends/processes/output_relay.h"
#include "paracord/core/descriptors.h"
#include "paracord/core/roles.h"

namespace paracord::cluster {

/// A scheduler or a node of an embedded cluster: this program's executable in that role, as a child
/// of this process. What it prints goes to this process's own stdout and stderr.
///
/// Threads: one at a time.
class EmbeddedChild {
 public:
  using Clock = std::chrono::steady_clock;
  /// Starts it, and waits until it is ready. Throws BackendUnavailable, which says how it ended.
  EmbeddedChild(const char* role, const detail::RoleOrder& order);
  EmbeddedChild(const EmbeddedChild&) = delete;
  /// Ends it, and waits for that.
  ~EmbeddedChild();

  int pid() const { return pid_; }
  Clock::time_point started() const { return started_; }
  /// All that say when it prints, or has ended.
  std::vector<int> descriptors() const;
  /// Passes on what it has printed. Returns whether it has ended.
  bool look();
  /// Asks it to end.
  void hang_up();
  /// Kills what is left of it. Returns what ended it, for people: the signal, the place of the
  /// crash with a backtrace, and what it printed last on stderr.
  std::string end();

 private:
  bool wait_until_ready();
  std::optional<int> reap();
  const char* role_;
  detail::OutputPipes pipes_;
  detail::OutputRelay output_{pipes_};
  detail::Descriptor socket_;
  int pid_ = 0;
  bool reaped_ = false;
  Clock::time_point started_{};
};

}  // namespace paracord::cluster
