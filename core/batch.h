#pragma once

#include <cstddef>
#include <utility>

#include "paracord/core/status.h"

namespace paracord {

class RemoteTasks;

/// The work that stands behind a batch; implemented by the library and by the test kit.
class BatchWork {
 public:
  virtual std::size_t size() const = 0;
  virtual void run() noexcept = 0;
  virtual RemoteTasks* elsewhere() noexcept { return nullptr; }

 protected:
  ~BatchWork() = default;
};

/// Some tasks of one call, handed to a backend as one.
///
/// Threads: one at a time. Run it once, then complete it.
class Batch {
 public:
  explicit Batch(BatchWork& work) : work_(&work) {}
  Batch(Batch&&) = default;
  Batch& operator=(Batch&&) = default;

  /// The number of tasks.
  std::size_t size() const { return work_->size(); }

  /// Runs the tasks here, on this thread. Their exceptions stay with the call; nothing is thrown.
  void run() { work_->run(); }

  /// In place of run(): the tasks, to be run elsewhere; see core/remote_tasks.h. Null where none is
  /// left (the call was cancelled): then just complete the batch.
  RemoteTasks* elsewhere() { return work_->elsewhere(); }

 private:
  BatchWork* work_;
};

/// Completes one batch: call it once, with an ok Status after the batch has run, else with what
/// went wrong. One that is destroyed without having been called completes its batch as lost; a
/// second call does nothing. It may call submit() again before it returns.
///
/// Threads: any; the caller holds no lock that submit() or abort() takes.
class OnDone {
 public:
  using Function = void (*)(void* call, void* batch, Status status) noexcept;

  OnDone(Function function, void* call, void* batch)
      : function_(function), call_(call), batch_(batch) {}
  OnDone(OnDone&& other) noexcept
      : function_(std::exchange(other.function_, nullptr)),
        call_(other.call_),
        batch_(other.batch_) {}
  OnDone& operator=(OnDone&& other) noexcept {
    OnDone taken(std::move(other));
    std::swap(function_, taken.function_);
    std::swap(call_, taken.call_);
    std::swap(batch_, taken.batch_);
    return *this;
  }
  ~OnDone() {
    if (function_ != nullptr)
      (*this)(Status(StatusCode::lost, "the backend dropped the batch without completing it"));
  }

  void operator()(Status status = Status()) {
    if (const Function function = std::exchange(function_, nullptr))
      function(call_, batch_, std::move(status));
  }

 private:
  Function function_;
  void* call_;
  void* batch_;
};

}  // namespace paracord
