#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <string>

#include "paracord/core/encoder.h"

namespace paracord {

/// Where and when a task ran elsewhere.
struct RemoteRun {
  int worker = 0;
  int attempt = 1;
  std::string host;
  int pid = 0;
  std::chrono::steady_clock::time_point started{}, ended{};  ///< unset where nobody asked
};

/// The tasks of one batch, for a backend that runs them in other processes: it sends each of them,
/// and says what became of it. A task that nothing was said of when the batch is completed counts
/// as failed with that status.
///
/// Threads: one at a time.
class RemoteTasks {
 public:
  enum class Verdict { over, again };

  /// Whether the run times of single tasks are wanted.
  virtual bool timed() const = 0;
  /// Whether the call has ended early: what has not begun need not begin.
  virtual bool stopped() const = 0;

  /// Tasks that were encoded elsewhere: they stand at fixed places (see place_of()), and what they
  /// write to their caller's memory, and where their results refer to memory, is of interest.
  virtual bool are_relayed() const { return false; }
  /// Of relayed tasks: where they begin, modulo Encoder::memory_alignment.
  virtual std::size_t place_of(std::size_t /*index*/) const { return 0; }
  /// What this_worker() tells of attempts begins with this.
  virtual int first_attempt() const { return 1; }
  /// The batch of a cluster that the tasks belong to, or are part of the work of; they learn it.
  /// Zeros: none.
  virtual std::array<std::uint64_t, 2> assignment() const { return {}; }

  /// A task's number in its call.
  virtual std::size_t number(std::size_t index) const { return index; }
  /// The function of a task, for people.
  virtual std::string function(std::size_t /*index*/) const { return {}; }

  /// Writes a task, for Entry::run_encoded at the other end. False: it cannot be written; it has
  /// failed, and is over.
  virtual bool encode(std::size_t index, Encoder& out) noexcept = 0;
  /// The task has run; `result` is what it wrote.
  virtual void succeeded(std::size_t index, Decoder& result, const RemoteRun& run) noexcept = 0;
  /// Comes before succeeded(): what the task wrote, for MergedWrites. Of relayed tasks only.
  virtual void relay_writes(std::size_t /*index*/, Decoder& /*writes*/) noexcept {}
  /// The task threw, as decode_remote_error() reads it from `error`. Says whether it shall run
  /// again, with the next attempt's number.
  virtual Verdict threw(std::size_t index, Decoder& error, const RemoteRun& run) noexcept = 0;
  /// The task came to an end otherwise: its worker was lost, or it ran too long.
  virtual Verdict failed(std::size_t index, std::exception_ptr error,
                         const RemoteRun& run) noexcept = 0;
  /// `count` tasks took this long to run, together.
  virtual void measured(std::size_t count, std::chrono::nanoseconds ran) noexcept = 0;

 protected:
  ~RemoteTasks() = default;
};

}  // namespace paracord
