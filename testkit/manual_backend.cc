#include "paracord/testkit/manual_backend.h"

#include <optional>
#include <utility>

namespace paracord::testkit {

namespace {

std::optional<ManualBackend::Queue::Waiting> pop(const ManualBackend::Shared& queue) {
  return queue->with([](ManualBackend::Queue& q) -> std::optional<ManualBackend::Queue::Waiting> {
    if (q.waiting.empty()) return std::nullopt;
    std::optional<ManualBackend::Queue::Waiting> first(std::move(q.waiting.front()));
    q.waiting.pop_front();
    return first;
  });
}

}  // namespace

bool ManualBackend::run_next(const Shared& queue) {
  auto next = pop(queue);
  if (!next) return false;
  next->batch.run();
  next->on_done();
  return true;
}

std::size_t ManualBackend::waiting(const Shared& queue) {
  return queue->with([](Queue& q) { return q.waiting.size(); });
}

Configured ManualBackend::configure(const CallSettings& settings) {
  return {.workers = workers_, .status = BackendOptions::refuse(settings.backend_options)};
}

void ManualBackend::submit(Batch batch, OnDone on_done) {
  queue_->with([&](Queue& q) {
    q.sizes.push_back(batch.size());
    q.waiting.push_back({std::move(batch), std::move(on_done)});
  });
}

void ManualBackend::abort() {
  while (auto next = pop(queue_)) next->on_done(Status(StatusCode::cancelled, "aborted"));
}

}  // namespace paracord::testkit
