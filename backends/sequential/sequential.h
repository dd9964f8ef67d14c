#pragma once

#include "paracord/core/backend.h"

/// The backend `sequential`: each task runs on the caller's thread when its result is wanted. No
/// thread is started; calls inside tasks behave as if they stood outside.
namespace paracord {

namespace detail {
bool register_sequential_backend();
inline const bool sequential_backend_registered = register_sequential_backend();
}  // namespace detail

class SequentialBackend final : public ParallelBackendBase {
 public:
  Capabilities capabilities() const override;
  int effective_n_jobs(int n_jobs) const override;
  Configured configure(const CallSettings& settings) override;
  void submit(Batch batch, OnDone on_done) override;
  void abort() override {}
};

}  // namespace paracord
