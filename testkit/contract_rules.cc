// Rules of the contract itself: batches in, completions out, no call engine between.

#include <algorithm>

#include "paracord/testkit/recorder.h"
#include "paracord/testkit/rules.h"

namespace paracord::testkit {

namespace {

using Counts = Recorder::Counts;

std::string described(const Counts& c) {
  return std::to_string(c.made) + " batches: " + std::to_string(c.begun) + " begun, " + std::to_string(c.ended) +
         " ended, " + std::to_string(c.completed) + " completions, " + std::to_string(c.completed_ok) + " of them ok";
}

void expect_once_each(const Counts& c) {
  expect(c.completed_twice == 0, "a batch was completed twice; " + described(c));
  expect(c.run_twice == 0, "a batch was run twice; " + described(c));
  expect(c.ok_without_run == 0, "a batch was completed as ok before it had run; " + described(c));
}

void submit(ParallelBackendBase& backend, Recorder::Made made) {
  backend.submit(std::move(made.batch), std::move(made.on_done));
}

void wait_for_all(Recorder& recorder) {
  recorder.wait_until([](const Counts& c) { return c.completed >= c.made && c.running == 0; });
  const Counts c = recorder.counts();
  expect(c.completed >= c.made, "not every batch was completed within the time; " + described(c));
}

void finish(Started& started) {
  started.backend->finish_call();
  started.backend->abort();
  started.backend->terminate();
}

void each_batch_completes_once(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>();
  Started started = start(subject);
  for (int i = 0; i != 500; ++i) submit(*started.backend, recorder->make());
  wait_for_all(*recorder);
  finish(started);
  const Counts c = recorder->counts();
  expect_once_each(c);
  expect(c.completed_ok == c.made, "batches were not completed as ok; " + described(c));
}

void no_more_at_once_than_workers(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>();
  const auto gate = std::make_shared<Gate>();
  Started started = start(subject);
  const bool in_caller = started.backend->capabilities().runs_in_caller;
  const int batches = 4 * started.workers + 4;
  for (int i = 0; i != batches; ++i) {
    submit(*started.backend, recorder->make([gate, in_caller] {
      if (!in_caller) gate->wait();
    }));
  }
  if (!in_caller) {
    const bool all_busy = recorder->wait_until([&](const Counts& c) { return c.running >= started.workers; });
    gate->open();
    expect(all_busy, "fewer batches run at once than the configured " + std::to_string(started.workers) +
                         " workers; " + described(recorder->counts()));
  }
  wait_for_all(*recorder);
  finish(started);
  const int most = recorder->counts().most_running;
  expect(most <= started.workers, std::to_string(most) + " batches ran at once on " +
                                      std::to_string(started.workers) + " workers");
}

void takes_any_number_of_batches(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>();
  Started started = start(subject);
  for (int i = 0; i != 20'000; ++i) submit(*started.backend, recorder->make());
  wait_for_all(*recorder);
  finish(started);
  const Counts c = recorder->counts();
  expect_once_each(c);
  expect(c.completed_ok == c.made, "batches were turned away; queue them; " + described(c));
}

void completions_may_submit(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>();
  Started started = start(subject);
  ParallelBackendBase& backend = *started.backend;
  constexpr int chain = 300;
  std::function<void(int)> next = [&](int left) {
    submit(backend, recorder->make({}, [&next, left] {
      if (left > 1) next(left - 1);
    }));
  };
  next(chain);
  recorder->wait_until([](const Counts& c) { return c.completed == chain; });
  expect(recorder->counts().completed == chain,
         "a completion that submits the next batch did not get it run; " + described(recorder->counts()));
  finish(started);
  expect_once_each(recorder->counts());
}

// Fills all workers with batches that wait at the gate, and queues more behind them.
struct Busy {
  explicit Busy(const Subject& subject) : started(start(subject)) {
    for (int i = 0; i != 10 * started.workers; ++i) {
      submit(*started.backend, recorder->make([gate = gate] { gate->wait(); }));
    }
    recorder->wait_until([this](const Counts& c) { return c.running >= started.workers; });
  }
  std::shared_ptr<Recorder> recorder = std::make_shared<Recorder>();
  std::shared_ptr<Gate> gate = std::make_shared<Gate>();
  Started started;
};

bool runs_in_caller(const Subject& subject) { return subject.factory()->capabilities().runs_in_caller; }

void abort_completes_what_waits(const Subject& subject) {
  if (runs_in_caller(subject)) return;  // nothing ever waits there
  Busy busy(subject);
  const Counts before = busy.recorder->counts();
  busy.started.backend->abort();
  const Counts after = busy.recorder->counts();
  busy.gate->open();
  expect(after.completed == after.made - before.begun,
         "abort() returned before all that had not begun was completed; " + described(after));
  expect(after.completed_ok == 0, "abort() completed batches as ok that had not run; " + described(after));
  wait_for_all(*busy.recorder);
  // Usable afterwards:
  submit(*busy.started.backend, busy.recorder->make());
  wait_for_all(*busy.recorder);
  finish(busy.started);
  expect_once_each(busy.recorder->counts());
}

void stops_while_busy(const Subject& subject) {
  if (runs_in_caller(subject)) return;
  Busy busy(subject);
  busy.started.backend->abort();
  busy.gate->open();
  busy.started.backend->terminate();
  wait_for_all(*busy.recorder);
  const Counts stopped = busy.recorder->counts();
  busy.started.backend.reset();
  expect_once_each(busy.recorder->counts());
  expect(busy.recorder->counts().begun == stopped.begun, "a batch began after terminate(); " + described(stopped));
}

void reports_workers(const Subject& subject) {
  Started started = start(subject);
  expect(started.backend->effective_n_jobs(-1) >= 1, "effective_n_jobs(-1) is below 1");
  expect(started.workers >= 1, "configure() gave no worker for n_jobs = " + std::to_string(subject.n_jobs));
  expect(started.backend->compute_batch_size() >= 1, "compute_batch_size() is below 1");
  expect(!started.backend->nested_backend(1).empty(), "nested_backend(1) is empty");
  finish(started);
}

struct OptionsOfNobody {};

void refuses_foreign_options(const Subject& subject) {
  const auto backend = subject.factory();
  const BackendOptions foreign = OptionsOfNobody{};
  const ParallelOptions options;
  const Configured configured = backend->configure({subject.n_jobs, 0, false, &foreign, &options});
  expect(configured.status.code() == StatusCode::invalid_argument,
         "configure() took backend_options of a type that it cannot know; read them with BackendOptions::read or refuse");
  backend->terminate();
}

}  // namespace

Started start(const Subject& subject) {
  Started started{subject.factory(), {}, 0};
  expect(started.backend != nullptr, "the factory returned null");
  const Configured configured = started.backend->configure({subject.n_jobs, 0, false, nullptr, &started.options});
  expect(configured.status.ok(), "configure() failed: " + configured.status.message());
  expect(!configured.instead, "configure() named another backend for n_jobs = " + std::to_string(subject.n_jobs) +
                                  "; give the suite a number that the backend itself serves");
  started.workers = configured.workers;
  return started;
}

std::vector<Rule> contract_rules() {
  return {
      {"ReportsWorkers", "says how many workers there are: at least one", reports_workers},
      {"EachBatchCompletesOnce", "each batch runs once and is completed once, as ok, after it ran",
       each_batch_completes_once},
      {"NoMoreAtOnceThanWorkers", "uses the configured number of workers: all of them, and no more",
       no_more_at_once_than_workers},
      {"TakesAnyNumberOfBatches", "takes far more batches than it has workers", takes_any_number_of_batches},
      {"CompletionsMaySubmit", "a completion may submit the next batch", completions_may_submit},
      {"AbortCompletesWhatWaits", "abort() completes all that has not begun before it returns, and the backend goes on",
       abort_completes_what_waits},
      {"StopsWhileBusy", "terminate() while batches run loses no completion, and nothing begins after it",
       stops_while_busy},
      {"RefusesForeignOptions", "backend_options of another backend are an error", refuses_foreign_options},
  };
}

}  // namespace paracord::testkit
