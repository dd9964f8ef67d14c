#include <memory>

#include "paracord/core/registry.h"

namespace {

// Runs everything at once, in submit().
class Loaded final : public paracord::ParallelBackendBase {
 public:
  paracord::Capabilities capabilities() const override {
    return {.shared_memory = true, .runs_in_caller = true};
  }
  paracord::Configured configure(const paracord::CallSettings&) override { return {.workers = 1}; }
  void submit(paracord::Batch batch, paracord::OnDone on_done) override {
    batch.run();
    on_done();
  }
  void abort() override {}
};

const bool registered = [] {
  paracord::register_parallel_backend("loaded", [] { return std::make_unique<Loaded>(); });
  return true;
}();

}  // namespace
