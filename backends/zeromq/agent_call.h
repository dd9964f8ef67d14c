#pragma once

#include <deque>
#include <map>
#include <memory>
#include <string>

#include "paracord/backends/processes/processes_backend.h"
#include "paracord/backends/zeromq/agent_batch.h"
#include "paracord/backends/zeromq/call_setup.h"
#include "paracord/backends/zeromq/program_cache.h"

namespace paracord::cluster {

/// One call of a client on its node: its program, and the workers that run it.
///
/// Threads: the agent's loop; what workers ask for modules comes from any.
class AgentCall {
 public:
  /// Throws SerializationError for a setup that cannot be read.
  AgentCall(const NodeCall& about, std::uint32_t slots, std::uint32_t most_parked,
            std::map<std::string, std::string> environment, OnWorkerOutput on_output,
            std::function<void()> has_changed);
  AgentCall(const AgentCall&) = delete;
  ~AgentCall();

  const NodeCall& about() const { return about_; }
  const CallSetup& setup() const { return setup_; }

  enum class State { preparing, ready, refused };
  State state() const { return state_; }
  const std::string& refusal() const { return refusal_; }
  /// The program is there, in an executable of its own; empty: it is this one.
  void begin(const ProgramCache::Ready& program);
  void refuse(std::string why);

  /// Before a batch that uses them is submitted; `path`: where the module is here; empty: as it was
  /// at the client.
  void learn_module(const ModuleUse& module, const std::string& path);

  /// `on_over`: nothing more comes of it.
  void submit(AgentBatch& batch, std::function<void(Status)> on_over);
  int batches() const { return batches_; }
  /// Of one that was submitted.
  void over() { --batches_; }
  /// The only call with work: so many of its workers run tasks, and are sent more ahead.
  void allow_alone(int busy);
  /// The call shares the slots: its workers run what they have begun; the rest waits. Returns how
  /// many do. Then so many may.
  int hold();
  void allow(int busy);
  detail::ProcessesBackend& backend() { return *backend_; }

 private:
  detail::ModuleName module(std::uint32_t number);
  int within_jobs(int busy) const;

  const NodeCall about_;
  const CallSetup setup_;
  const std::uint32_t slots_, most_parked_;
  std::map<std::string, std::string> environment_;
  const OnWorkerOutput on_output_;
  const std::function<void()> has_changed_;
  State state_ = State::preparing;
  std::string refusal_;
  detail::Guarded<std::map<std::uint32_t, detail::ModuleName>> modules_;
  ParallelOptions options_;
  std::unique_ptr<detail::ProcessesBackend> backend_;
  int batches_ = 0;
  int alone_ = 0;  // what allow_alone() has allowed, while that holds
};

}  // namespace paracord::cluster
