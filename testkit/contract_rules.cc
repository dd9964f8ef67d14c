// Rules of the contract itself: batches in, completions out, no call engine between.

#include <algorithm>
#include <atomic>

#include "paracord/testkit/recorder.h"
#include "paracord/testkit/rules.h"

namespace paracord::testkit {

namespace {

using Counts = Recorder::Counts;

std::string described(const Counts& c) {
  return std::to_string(c.made) + " batches: " + std::to_string(c.begun) + " begun, " +
         std::to_string(c.ended) + " ended, " + std::to_string(c.completed) + " completions, " +
         std::to_string(c.completed_ok) + " of them ok";
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

void each_batch_completes_once(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>(subject.patience);
  Started started = start(subject);
  for (int i = 0; i != 500; ++i) submit(*started.backend, recorder->make());
  wait_for_all(*recorder);
  started.stop();
  const Counts c = recorder->counts();
  expect_once_each(c);
  expect(c.completed_ok == c.made, "batches were not completed as ok; " + described(c));
}

void no_more_at_once_than_workers(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>(subject.patience);
  Started started = start(subject);
  const bool in_caller = started.backend->capabilities().runs_in_caller;
  const int batches = 4 * started.workers + 4;
  for (int i = 0; i != batches; ++i) {
    submit(*started.backend, in_caller ? recorder->make() : recorder->make_waiting());
  }
  if (!in_caller) {
    const bool all_busy =
        recorder->wait_until([&](const Counts& c) { return c.running >= started.workers; });
    // One that runs too many may take a moment to begin them.
    constexpr auto moment = std::chrono::milliseconds(200);
    recorder->wait_within(moment, [&](const Counts& c) { return c.running > started.workers; });
    recorder->open_gate();
    expect(all_busy, "fewer batches run at once than the configured " +
                         std::to_string(started.workers) + " workers; " +
                         described(recorder->counts()));
  }
  wait_for_all(*recorder);
  started.stop();
  const int most = recorder->counts().most_running;
  expect(most <= started.workers, std::to_string(most) + " batches ran at once on " +
                                      std::to_string(started.workers) + " workers");
}

void takes_any_number_of_batches(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>(subject.patience);
  Started started = start(subject);
  for (int i = 0; i != 20'000; ++i) submit(*started.backend, recorder->make());
  wait_for_all(*recorder);
  started.stop();
  const Counts c = recorder->counts();
  expect_once_each(c);
  expect(c.completed_ok == c.made, "batches were turned away; queue them; " + described(c));
}

// A chain of batches, each submitted by the completion of the one before.
struct Chain : std::enable_shared_from_this<Chain> {
  void submit_next(int left) {
    submit(*backend, recorder->make({}, [chain = weak_from_this(), left] {
      const auto self = chain.lock();
      if (left > 1 && self && self->goes_on) self->submit_next(left - 1);
    }));
  }
  std::shared_ptr<Recorder> recorder;
  ParallelBackendBase* backend = nullptr;
  std::atomic<bool> goes_on{true};
};

void completions_may_submit(const Subject& subject) {
  constexpr int length = 300;
  const auto recorder = std::make_shared<Recorder>(subject.patience);
  Started started = start(subject);
  const auto chain = std::make_shared<Chain>();
  chain->recorder = recorder;
  chain->backend = started.backend.get();
  chain->submit_next(length);
  const bool all =
      chain->recorder->wait_until([](const Counts& c) { return c.completed == length; });
  chain->goes_on = false;
  expect(all, "a completion that submits the next batch did not get it run; " +
                  described(chain->recorder->counts()));
  started.stop();
  expect_once_each(chain->recorder->counts());
}

// A batch that gives work away while it runs: what it submits begins on another worker.
void running_batches_may_submit(const Subject& subject) {
  const auto recorder = std::make_shared<Recorder>(subject.patience);
  std::atomic<bool> other_began{false};
  Started started = start(subject);
  const Capabilities about = started.backend->capabilities();
  if (about.runs_in_caller || !about.shared_memory || started.workers < 2) return;
  submit(*started.backend, recorder->make([&] {
    submit(*started.backend, recorder->make());
    other_began = recorder->wait_until([](const Counts& c) { return c.begun == 2; });
  }));
  recorder->wait_until([](const Counts& c) { return c.begun == 2 || c.ended != 0; });
  wait_for_all(*recorder);
  started.stop();
  expect(
      other_began,
      "a batch that another one submitted from run() began only after that one had ended, though "
      "a worker was free");
  expect_once_each(recorder->counts());
}

// Fills all workers with batches that wait at the gate, and queues more behind them.
struct Busy {
  explicit Busy(const Subject& subject)
      : recorder(std::make_shared<Recorder>(subject.patience)), started(start(subject)) {
    for (int i = 0; i != 10 * started.workers; ++i) {
      submit(*started.backend, recorder->make_waiting());
    }
    recorder->wait_until([this](const Counts& c) { return c.running >= started.workers; });
  }
  ~Busy() {
    recorder->open_gate();
    recorder->wait_until([](const Counts& c) { return c.running == 0; });
  }
  std::shared_ptr<Recorder> recorder;
  Started started;
};

bool runs_in_caller(const Subject& subject) {
  return subject.factory()->capabilities().runs_in_caller;
}

void abort_completes_what_waits(const Subject& subject) {
  if (runs_in_caller(subject)) return;  // nothing ever waits there
  Busy busy(subject);
  const Counts before = busy.recorder->counts();
  busy.started.backend->abort();
  const Counts after = busy.recorder->counts();
  busy.recorder->open_gate();
  const bool ends_all = busy.started.backend->capabilities().abort_ends_all;
  expect(after.completed == after.made - (ends_all ? 0 : before.begun),
         "abort() returned before all that had not begun was completed; " + described(after));
  expect(after.completed_ok == 0,
         "abort() completed batches as ok that had not run; " + described(after));
  wait_for_all(*busy.recorder);
  // Usable afterwards:
  submit(*busy.started.backend, busy.recorder->make());
  wait_for_all(*busy.recorder);
  busy.started.stop();
  expect_once_each(busy.recorder->counts());
}

void stops_while_busy(const Subject& subject) {
  if (runs_in_caller(subject)) return;
  Busy busy(subject);
  ParallelBackendBase& backend = *busy.started.backend;
  const bool ends_all = backend.capabilities().abort_ends_all;
  backend.abort();
  busy.recorder->open_gate();
  backend.finish_call();
  backend.terminate();
  const Counts stopped = busy.recorder->counts();
  busy.started.backend.reset();
  wait_for_all(*busy.recorder);
  expect_once_each(busy.recorder->counts());
  // What is elsewhere already cannot be held back from here; it is stopped there.
  if (ends_all) return;
  expect(busy.recorder->counts().begun == stopped.begun,
         "a batch began after terminate(); " + described(stopped));
}

void reports_workers(const Subject& subject) {
  Started started = start(subject);
  expect(started.backend->effective_n_jobs(-1) >= 1, "effective_n_jobs(-1) is below 1");
  expect(started.workers >= 1,
         "configure() gave no worker for n_jobs = " + std::to_string(subject.n_jobs));
  expect(started.backend->compute_batch_size() >= 1, "compute_batch_size() is below 1");
  expect(!started.backend->nested_backend(1).empty(), "nested_backend(1) is empty");
  started.stop();
}

struct OptionsOfNobody {};

void refuses_foreign_options(const Subject& subject) {
  const auto backend = subject.factory();
  const BackendOptions foreign = OptionsOfNobody{};
  const ParallelOptions options;
  const Configured configured =
      backend->configure({subject.n_jobs, 0, false, false, &foreign, &options});
  expect(configured.status.code() == StatusCode::invalid_argument,
         "configure() took backend_options of a type that it cannot know; read them with "
         "BackendOptions::read or refuse");
  backend->terminate();
}

}  // namespace

void Started::stop() {
  if (backend == nullptr) return;
  backend->abort();
  backend->finish_call();
  backend->terminate();
  backend.reset();
}

Started start(const Subject& subject) {
  Started started;
  started.backend = subject.factory();
  expect(started.backend != nullptr, "the factory returned null");
  const Configured configured =
      started.backend->configure({subject.n_jobs, 0, false, false, nullptr, started.options.get()});
  expect(configured.status.ok(), "configure() failed: " + configured.status.message());
  expect(!configured.instead,
         "configure() named another backend for n_jobs = " + std::to_string(subject.n_jobs) +
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
      {"TakesAnyNumberOfBatches", "takes far more batches than it has workers",
       takes_any_number_of_batches},
      {"CompletionsMaySubmit", "a completion may submit the next batch", completions_may_submit},
      {"RunningBatchesMaySubmit",
       "what a batch submits while it runs begins on a free worker, not after it",
       running_batches_may_submit},
      {"AbortCompletesWhatWaits",
       "abort() completes all that has not begun before it returns, and the backend goes on",
       abort_completes_what_waits},
      {"StopsWhileBusy",
       "terminate() while batches run loses no completion, and nothing begins after it",
       stops_while_busy},
      {"RefusesForeignOptions", "backend_options of another backend are an error",
       refuses_foreign_options},
  };
}

}  // namespace paracord::testkit
