#include "paracord/backends/sequential/sequential.h"

#include <memory>

#include "paracord/core/registry.h"

namespace paracord {

Capabilities SequentialBackend::capabilities() const {
  return {.shared_memory = true, .runs_in_caller = true, .batches_per_worker = 1};
}

int SequentialBackend::effective_n_jobs(int) const {
  return 1;
}

Configured SequentialBackend::configure(const CallSettings& settings) {
  return {.workers = 1, .status = BackendOptions::refuse(settings.backend_options)};
}

void SequentialBackend::submit(Batch batch, OnDone on_done) {
  batch.run();
  on_done();
}

bool detail::register_sequential_backend() {
  register_parallel_backend("sequential", [] { return std::make_unique<SequentialBackend>(); });
  return true;
}

}  // namespace paracord
