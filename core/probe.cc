#include "paracord/core/probe.h"

#include "paracord/core/scope.h"

namespace paracord::detail {

namespace {

constexpr const char* an_observer = "an observer";

}  // namespace

bool Probe::wanted(const ParallelOptions& o) {
  return o.verbose.value_or(0) > 0 || o.trace.has_value() || (o.observer && *o.observer != nullptr);
}

Probe::Probe(const ParallelOptions& o, const std::string& backend, int workers,
             std::optional<std::size_t> task_count) {
  state_.with([&](State& state) {
    if (o.observer && *o.observer != nullptr) state.observers.push_back(*o.observer);
    if (o.verbose.value_or(0) > 0) state.listeners.push_back(make_verbose_lines(o, workers));
    if (o.trace) state.listeners.push_back(make_trace_file(*o.trace));
  });
  const Observer::CallStarted event{backend, workers, task_count, std::chrono::steady_clock::now()};
  tell([&](Observer& observer) { observer.call_started(event); });
}

template <class Tell>
void Probe::tell(Tell tell_one) {
  const UserCallback callback(an_observer);
  state_.with([&](State& state) {
    for (const auto& observer : state.observers) tell_one(*observer);
    for (const auto& listener : state.listeners) tell_one(*listener);
  });
}

void Probe::batch_sent(std::size_t first_index, std::size_t size) {
  tell([&](Observer& observer) { observer.batch_sent({first_index, size}); });
}

void Probe::task_done(Observer::TaskDone done, const std::string& function) {
  const UserCallback callback(an_observer);
  state_.with([&](State& state) {
    done.done_count = ++state.done;
    for (const auto& observer : state.observers) observer->task_done(done);
    for (const auto& listener : state.listeners) {
      listener->task_done(done);
      listener->function_done(done, function);
    }
  });
}

void Probe::worker_lost(const std::string& reason) {
  tell([&](Observer& observer) { observer.worker_lost({reason}); });
}

bool Probe::worker_output(const Observer::WorkerOutput& output) {
  bool taken = false;
  tell([&](Observer& observer) { taken |= observer.worker_output(output); });
  return taken;
}

void Probe::call_finished(std::size_t pulled, bool stopped) {
  const UserCallback callback(an_observer);
  state_.with([&](State& state) {
    for (const auto& listener : state.listeners) {
      if (stopped) listener->call_stopped();
    }
    const Observer::CallFinished event{state.done, pulled - state.done,
                                       std::chrono::steady_clock::now()};
    for (const auto& observer : state.observers) observer->call_finished(event);
    for (const auto& listener : state.listeners) listener->call_finished(event);
  });
}

}  // namespace paracord::detail
