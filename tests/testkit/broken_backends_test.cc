// Tests of the suite itself: for each rule a backend that breaks it, and the rule that must say so.

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "paracord/core/registry.h"
#include "paracord/paracord.h"
#include "paracord/testkit/conformance.h"

namespace paracord::testkit {
namespace {

// A backend that passes everything on to the real one, for others to bend.
class Passing : public ParallelBackendBase {
 public:
  explicit Passing(const char* inner = "threads") : inner_(detail::make_backend(inner)) {}
  Capabilities capabilities() const override { return inner_->capabilities(); }
  int effective_n_jobs(int n_jobs) const override { return inner_->effective_n_jobs(n_jobs); }
  Configured configure(const CallSettings& settings) override {
    return inner_->configure(settings);
  }
  void submit(Batch batch, OnDone on_done) override {
    inner_->submit(std::move(batch), std::move(on_done));
  }
  void abort() override { inner_->abort(); }
  void finish_call() override { inner_->finish_call(); }
  void terminate() override { inner_->terminate(); }

 protected:
  std::unique_ptr<ParallelBackendBase> inner_;
};

struct ReportsNobody final : Passing {
  int effective_n_jobs(int) const override { return 0; }
};

// Completes a batch as ok without running it.
struct CompletesWithoutRunning final : Passing {
  void submit(Batch, OnDone on_done) override { on_done(); }
};

// Forgets every hundredth batch: its completion is dropped.
struct DropsSome final : Passing {
  void submit(Batch batch, OnDone on_done) override {
    if (++count_ % 100 == 0) return;
    Passing::submit(std::move(batch), std::move(on_done));
  }
  std::atomic<int> count_{0};
};

// A thread for each batch, however many workers were configured.
struct OneThreadEach final : Passing {
  void submit(Batch batch, OnDone on_done) override {
    std::thread([this, batch = std::move(batch), on_done = std::move(on_done)]() mutable {
      batch.run();
      on_done();
      ++done_;
      done_.notify_all();
    }).detach();
    ++submitted_;
  }
  void terminate() override {
    for (int done = done_; done != submitted_; done = done_) done_.wait(done);
    Passing::terminate();
  }
  std::atomic<int> submitted_{0}, done_{0};
};

// Has room for a hundred batches, and says no to the rest.
struct SmallQueue final : Passing {
  void submit(Batch batch, OnDone on_done) override {
    if (++count_ > 100) return on_done(Status(StatusCode::unavailable, "queue full"));
    Passing::submit(std::move(batch), std::move(on_done));
  }
  std::atomic<int> count_{0};
};

// Takes no batch from inside a completion.
struct DeafInCompletions final : Passing {
  void submit(Batch batch, OnDone on_done) override {
    if (completing) {
      kept_.push_back({std::move(batch), std::move(on_done)});
      return;
    }
    completing = true;
    batch.run();
    on_done();
    completing = false;
  }
  Capabilities capabilities() const override {
    return {.shared_memory = true, .runs_in_caller = true};
  }
  static inline thread_local bool completing = false;
  std::vector<std::pair<Batch, OnDone>> kept_;
};

// Keeps what a running batch submits for that batch's own thread.
struct KeepsWorkToItself final : Passing {
  void submit(Batch batch, OnDone on_done) override {
    if (running != nullptr) {
      running->emplace_back(std::move(batch), std::move(on_done));
      return;
    }
    ++begun_;
    std::thread([this, batch = std::move(batch), on_done = std::move(on_done)]() mutable {
      Kept kept;
      running = &kept;
      batch.run();
      running = nullptr;
      on_done();
      for (auto& [later, later_done] : kept) {
        later.run();
        later_done();
      }
      ++done_;
      done_.notify_all();
    }).detach();
  }
  void terminate() override {
    for (int done = done_; done != begun_; done = done_) done_.wait(done);
    Passing::terminate();
  }
  using Kept = std::vector<std::pair<Batch, OnDone>>;
  static inline thread_local Kept* running = nullptr;
  std::atomic<int> begun_{0}, done_{0};
};

struct DoesNotAbort final : Passing {
  void abort() override {}
};

// abort() says ok of what never ran.
struct AbortsAsOk final : Passing {
  struct Waiting {
    Batch batch;
    OnDone on_done;
  };
  Capabilities capabilities() const override { return {}; }
  Configured configure(const CallSettings&) override { return {.workers = 1}; }
  void submit(Batch batch, OnDone on_done) override {
    waiting_.push_back({std::move(batch), std::move(on_done)});
  }
  void abort() override {
    for (auto& one : std::exchange(waiting_, {})) one.on_done();
  }
  std::vector<Waiting> waiting_;
};

// Goes on running batches after terminate().
struct RunsOn final : Passing {
  struct Shared {
    std::mutex mutex;
    std::vector<std::pair<Batch, OnDone>> waiting;
  };
  Capabilities capabilities() const override { return {}; }
  Configured configure(const CallSettings&) override { return {.workers = 1}; }
  void submit(Batch batch, OnDone on_done) override {
    const std::lock_guard lock(shared_->mutex);
    shared_->waiting.push_back({std::move(batch), std::move(on_done)});
    if (shared_->waiting.size() == 1) runner_ = std::thread([this] { run_first(); });
  }
  void run_first() {
    std::unique_lock lock(shared_->mutex);
    auto first = std::move(shared_->waiting.front());
    lock.unlock();
    first.first.run();
    first.second();
  }
  void abort() override {}  // keeps what waits …
  ~RunsOn() override {
    if (runner_.joinable()) runner_.join();
    const std::size_t first = 1;  // … and runs it when it goes
    for (std::size_t i = first; i < shared_->waiting.size(); ++i) {
      shared_->waiting[i].first.run();
      shared_->waiting[i].second();
    }
  }
  std::shared_ptr<Shared> shared_ = std::make_shared<Shared>();
  std::thread runner_;
};

struct SwallowsOptions final : Passing {
  Configured configure(const CallSettings& settings) override {
    CallSettings without = settings;
    without.backend_options = nullptr;
    return Passing::configure(without);
  }
};

// Loses every batch: calls fail that should not.
struct LosesEverything final : Passing {
  void submit(Batch, OnDone on_done) override { on_done(Status(StatusCode::lost, "worker gone")); }
};

// Has nowhere to run anything, whoever asks for what.
struct NeverReady final : Passing {
  Configured configure(const CallSettings&) override {
    return {.status = Status(StatusCode::unavailable, "no")};
  }
};

// Leaks a descriptor with each object.
struct LeaksDescriptors final : Passing {
  LeaksDescriptors() { (void)dup(2); }
};

struct Case {
  const char* rule;
  BackendFactory factory;
};

void PrintTo(const Case& one, std::ostream* out) {
  *out << one.rule;
}

template <class B>
Case broken(const char* rule) {
  return {rule, [] { return std::make_unique<B>(); }};
}

class BrokenBackends : public ::testing::TestWithParam<Case> {};

std::vector<Case> cases() {
  return {broken<ReportsNobody>("ReportsWorkers"),
          broken<CompletesWithoutRunning>("EachBatchCompletesOnce"),
          broken<DropsSome>("EachBatchCompletesOnce"),
          broken<OneThreadEach>("NoMoreAtOnceThanWorkers"),
          broken<SmallQueue>("EachBatchCompletesOnce"),
          broken<SmallQueue>("TakesAnyNumberOfBatches"),
          broken<DeafInCompletions>("CompletionsMaySubmit"),
          broken<KeepsWorkToItself>("RunningBatchesMaySubmit"),
          broken<DoesNotAbort>("AbortCompletesWhatWaits"),
          broken<AbortsAsOk>("AbortCompletesWhatWaits"),
          broken<RunsOn>("StopsWhileBusy"),
          broken<SwallowsOptions>("RefusesForeignOptions"),
          broken<LosesEverything>("ResultsInOrder"),
          broken<LosesEverything>("GeneratorsGiveAll"),
          broken<LosesEverything>("ExceptionsBelongToTheirTask"),
          broken<LosesEverything>("BackPressure"),
          broken<LosesEverything>("AbandonedGeneratorsEnd"),
          broken<LosesEverything>("NestedCallsEnd"),
          broken<LosesEverything>("DeepNestingEnds"),
          broken<LosesEverything>("ManyCallers"),
          broken<NeverReady>("CancellationEndsACall"),
          broken<LeaksDescriptors>("ThousandCallsLeaveNothing")};
}

INSTANTIATE_TEST_SUITE_P(Suite, BrokenBackends, ::testing::ValuesIn(cases()),
                         [](const auto& tested) {
                           return std::string(tested.param.rule) + "_" +
                                  std::to_string(tested.index);
                         });

TEST_P(BrokenBackends, AreFound) {
  const auto& rules = conformance_rules();
  const auto rule = std::find_if(rules.begin(), rules.end(),
                                 [](const Rule& r) { return r.name == GetParam().rule; });
  ASSERT_NE(rule, rules.end()) << "no such rule";
  const Finding finding =
      check_rule({"broken", GetParam().factory, 2, std::chrono::seconds(1)}, *rule);
  EXPECT_NE(finding.message, "") << "the suite let it pass";
}

TEST(Suite, HasABrokenBackendForEachRule) {
  std::vector<std::string> tested;
  for (const Case& one : cases()) tested.emplace_back(one.rule);
  for (const Rule& rule : conformance_rules()) {
    EXPECT_NE(std::find(tested.begin(), tested.end(), rule.name), tested.end()) << rule.name;
  }
}

TEST(Suite, NamesEachRuleOnceAndSaysWhatItPromises) {
  std::vector<std::string> names;
  for (const Rule& rule : conformance_rules()) {
    EXPECT_FALSE(rule.promise.empty());
    names.push_back(rule.name);
  }
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
}

TEST(Suite, ReportsInALineForEachRule) {
  Report report;
  report.findings = {{"A", ""}, {"B", "wrong"}};
  EXPECT_FALSE(report.passed());
  EXPECT_EQ(report.text(), "ok      A\nBROKEN  B: wrong\n");
}

}  // namespace
}  // namespace paracord::testkit
