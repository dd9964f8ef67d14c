// What a call sends to its backend, and when: watched with a backend that runs a batch only when
// told to.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <latch>
#include <ranges>
#include <thread>
#include <vector>

#include "paracord/core/generator_call.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/paracord.h"
#include "paracord/testkit/manual_backend.h"
#include "paracord/tests/core/test_tasks.h"

namespace paracord {
namespace {

using testkit::ManualBackend;

class Dispatch : public ::testing::Test {
 protected:
  // Registers a backend of `workers` whose automatic batches have `batch_size` tasks.
  ParallelOptions manual(int workers, std::size_t batch_size = 1, Capabilities capabilities = {}) {
    register_parallel_backend("manual", [=, this] {
      return std::make_unique<ManualBackend>(queue, workers, batch_size, capabilities);
    });
    ParallelOptions options;
    options.n_jobs = workers;
    options.backend = "manual";
    return options;
  }

  // Runs all that comes, on a thread of its own, while `call` goes on.
  template <class Call>
  void served(Call call) {
    std::atomic<bool> over{false};
    std::jthread server([&] {
      while (!over) {
        if (!ManualBackend::run_next(queue)) std::this_thread::yield();
      }
    });
    call();
    over = true;
  }

  // As they were submitted: the caller and the server, who both read tasks, may overtake each
  // other.
  std::deque<std::size_t> sizes() {
    return queue->with([](ManualBackend::Queue& q) { return q.sizes; });
  }

  ManualBackend::Shared queue = ManualBackend::make_queue();
};

std::deque<std::size_t> largest_first(std::deque<std::size_t> sizes) {
  std::sort(sizes.begin(), sizes.end(), std::greater());
  return sizes;
}

// Counts what was read of 0, 1, 2, …
auto counted(int count, std::atomic<int>& read) {
  return std::views::iota(0, count) | std::views::transform([&read](int i) {
           ++read;
           return delayed<square>(i);
         });
}

TEST_F(Dispatch, ReadsTwoTasksPerWorkerAheadAndOneMoreForEachThatIsDone) {
  std::atomic<int> read{0};
  Parallel parallel(manual(3));
  auto generator = parallel.generator(counted(100, read));
  EXPECT_EQ(read, 6);
  EXPECT_EQ(ManualBackend::waiting(queue), 6u);
  for (int done = 1; done != 4; ++done) {
    EXPECT_TRUE(ManualBackend::run_next(queue));
    EXPECT_EQ(*generator.begin(), 0);
  }
  EXPECT_LE(read, 9);
}

TEST_F(Dispatch, ReadsNoFurtherThanPreDispatchSays) {
  std::atomic<int> read{0};
  ParallelOptions options = manual(3);
  options.pre_dispatch = 2;
  Parallel parallel(options);
  auto generator = parallel.generator(counted(100, read));
  EXPECT_EQ(read, 2);
}

TEST_F(Dispatch, ReadsAllFirstWhenToldTo) {
  std::atomic<int> read{0};
  ParallelOptions options = manual(2);
  options.pre_dispatch = PreDispatch::all;
  options.batch_size = 4;
  Parallel parallel(options);
  served([&] { EXPECT_EQ(parallel(counted(30, read)), expected_squares(30)); });
  EXPECT_EQ(largest_first(sizes()), (std::deque<std::size_t>{4, 4, 4, 4, 4, 4, 4, 2}));
}

TEST_F(Dispatch, SendsBatchesOfTheSizeThatWasAskedFor) {
  ParallelOptions options = manual(2);
  options.batch_size = 7;
  Parallel parallel(options);
  served([&] { EXPECT_EQ(parallel(squares(24)), expected_squares(24)); });
  EXPECT_EQ(largest_first(sizes()), (std::deque<std::size_t>{7, 7, 7, 3}));
}

TEST_F(Dispatch, CutsAutomaticBatchesTowardsTheEnd) {
  Parallel parallel(manual(2, 50));
  served([&] { EXPECT_EQ(parallel(squares(100)), expected_squares(100)); });
  const auto sent = largest_first(sizes());
  EXPECT_EQ(sent.front(), 25u) << "no more than a fair share";
  EXPECT_EQ(sent.back(), 1u) << "so that the workers end together";
}

TEST_F(Dispatch, EndsTheCallWhenTheBackendLosesABatch) {
  Parallel parallel(manual(2));
  std::jthread loser([this] {
    while (ManualBackend::waiting(queue) == 0) std::this_thread::yield();
    queue->with([](ManualBackend::Queue& q) { return std::exchange(q.waiting, {}); }).clear();
    // What comes after is served.
    while (ManualBackend::run_next(queue)) {
    }
  });
  EXPECT_THROW(parallel(squares(10)), WorkerLostError);
  loser.join();
  served([&] { EXPECT_EQ(parallel(squares(10)), expected_squares(10)); });
}

TEST_F(Dispatch, RunsAWholeBlockAsOneBatch) {
  ParallelOptions options = manual(1, 1000, {.shared_memory = true});
  options.batch_size = 1;
  Parallel parallel(options);
  int ran = 0;
  auto generator = parallel.generator(std::views::iota(0, 1000) | std::views::transform([&](int) {
                                        return delayed([&ran] { ++ran; });
                                      }));
  EXPECT_TRUE(ManualBackend::run_next(queue));
  EXPECT_EQ(sizes().front(), 1000u);
  EXPECT_EQ(ran, 1000);
}

// Two tasks, of which the first comes back from whoever claims it first, as if it had been asked
// for; somebody else then takes it, and is not done with it before the second one is.
struct TakenAway final : detail::TaskRange {
  detail::Layout layout() const override { return {1, 1, 1, 1, true, true}; }
  std::size_t size() const override { return detail::unknown_size; }
  bool concurrent() const override { return false; }
  bool pull(detail::Slots& slots, std::size_t count) override {
    EXPECT_GE(count, 2u);
    slots.count = 2;
    return true;
  }
  void run(detail::Slots&, std::size_t& index, std::size_t end) override {
    if (!given_back.exchange(true)) return;
    if (index == 0) {
      taken.count_down();
      second_over.wait();
    }
    made[index] = true;
    index = end;
  }
  void run_one(detail::Slots&, std::size_t, bool) override {}
  void destroy_task(detail::Slots&, std::size_t) override {}
  void destroy_result(detail::Slots&, std::size_t) override {}
  std::size_t result_bytes(const detail::Slots&, std::size_t index) const override {
    EXPECT_TRUE(made[index]) << "the result of task " << index << " is not there yet";
    return 1;
  }
  detail::TaskText text(const detail::Slots&, std::size_t) const override { return {}; }
  std::string why_bound_here() const override { return {}; }
  void encode(const detail::Slots&, std::size_t, Encoder&) const override {}
  void decode_result(detail::Slots&, std::size_t, Decoder&) override {}

  std::atomic<bool> given_back{false};
  std::latch taken{1}, second_over{1};
  std::array<std::atomic<bool>, 2> made{};
};

TEST_F(Dispatch, MeasuresAResultThatIsThere) {
  // What is submitted from inside the batch begins before the batch goes on.
  struct HandsOver final : ParallelBackendBase {
    explicit HandsOver(TakenAway& tasks) : tasks(tasks) {}
    Capabilities capabilities() const override { return {.shared_memory = true}; }
    Configured configure(const CallSettings&) override { return {.workers = 2}; }
    void submit(Batch batch, OnDone on_done) override {
      if (kept.empty() || other.joinable())
        return void(kept.emplace_back(std::move(batch), std::move(on_done)));
      other = std::jthread([batch = std::move(batch), on_done = std::move(on_done)]() mutable {
        batch.run();
        on_done();
      });
      tasks.taken.wait();
    }
    void abort() override {}
    std::size_t compute_batch_size() override { return 2; }
    TakenAway& tasks;
    std::deque<std::pair<Batch, OnDone>> kept;
    std::jthread other;
  };
  TakenAway tasks;
  HandsOver* backend = nullptr;
  register_parallel_backend("hands_over", [&] {
    auto made = std::make_unique<HandsOver>(tasks);
    backend = made.get();
    return made;
  });
  ParallelOptions options{.n_jobs = 2, .backend = "hands_over", .batch_size = 2};
  options.max_pending_results = 8;  // both tasks are read at once, though results may be large
  detail::GeneratorCall call(detail::make_session(options), tasks, true);
  backend->kept.front().first.run();
  tasks.second_over.count_down();
  for (auto& [batch, on_done] : backend->kept) {
    if (&batch != &backend->kept.front().first) batch.run();
    on_done();
  }
  while (call.next() != nullptr) {
  }
  EXPECT_TRUE(tasks.made[0] && tasks.made[1]);
}

// The batches that it is given by completions are over, on other threads, before its submit()
// returns.
struct Lingers final : ParallelBackendBase {
  struct Seen {
    std::atomic<bool> finished{false}, finished_inside{false};
  };
  explicit Lingers(Seen& seen) : seen(seen) {}
  Capabilities capabilities() const override { return {.shared_memory = true}; }
  Configured configure(const CallSettings&) override { return {.workers = 1}; }
  void submit(Batch batch, OnDone on_done) override {
    auto run = [batch = std::move(batch), on_done = std::move(on_done)]() mutable {
      batch.run();
      on_done();
    };
    if (std::this_thread::get_id() == caller) return void(threads.emplace_back(std::move(run)));
    std::jthread(std::move(run)).join();
    // Time enough for whoever would not wait for this thread.
    for (int i = 0; i != 10'000 && !seen.finished; ++i) std::this_thread::yield();
    if (seen.finished) seen.finished_inside = true;
  }
  void abort() override {}
  void finish_call() override { seen.finished = true; }
  Seen& seen;
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<std::jthread> threads;
};

TEST(Submitting, EndsBeforeTheCallDoes) {
  for (int round = 0; round != 20; ++round) {
    Lingers::Seen seen;
    register_parallel_backend("lingers", [&] { return std::make_unique<Lingers>(seen); });
    Parallel parallel({.n_jobs = 1, .backend = "lingers", .batch_size = 1});
    EXPECT_EQ(parallel(squares(4)).size(), 4u);
    EXPECT_TRUE(seen.finished);
    EXPECT_FALSE(seen.finished_inside);
  }
}

// Hears which workers were lost, and why.
struct HearsOfLosses final : Observer {
  void worker_lost(const WorkerLost& event) override { reasons.push_back(event.reason); }
  std::vector<std::string> reasons;
};

TEST_F(Dispatch, TellsTheObserverOfALostBatch) {
  const auto observer = std::make_shared<HearsOfLosses>();
  ParallelOptions options = manual(1);
  options.observer = observer;
  Parallel parallel(options);
  auto generator = parallel.generator(squares(10));
  auto lost = queue->with([](ManualBackend::Queue& q) {
    auto first = std::move(q.waiting.front());
    q.waiting.pop_front();
    return first;
  });
  lost.on_done(Status(StatusCode::lost, "signal 9"));
  EXPECT_EQ(observer->reasons, std::vector<std::string>{"signal 9"});
  EXPECT_THROW((void)generator.begin(), WorkerLostError);
  EXPECT_EQ(observer->reasons.size(), 1u) << "what was aborted is not lost";
}

TEST_F(Dispatch, SaysThatNoWorkerIsThere) {
  Parallel parallel(manual(2));
  register_parallel_backend("nobody", [this] { return std::make_unique<ManualBackend>(queue, 0); });
  Parallel nobody({.n_jobs = 2, .backend = "nobody"});
  EXPECT_THROW(nobody(squares(3)), BackendUnavailable);
}

// The batch that has waited longest runs in another process, as long as is said.
// The call's own thread sends what follows.
void run_next_elsewhere(const ManualBackend::Shared& queue, std::chrono::nanoseconds ran) {
  while (ManualBackend::waiting(queue) == 0) std::this_thread::yield();
  auto next = queue->with([](ManualBackend::Queue& q) {
    auto first = std::move(q.waiting.front());
    q.waiting.pop_front();
    return first;
  });
  RemoteTasks* tasks = next.batch.elsewhere();
  ASSERT_NE(tasks, nullptr);
  Encoder result;
  result.put(0);
  Decoder read(result.data(), result.size());
  tasks->succeeded(0, read, RemoteRun{});
  tasks->measured(1, ran);
  next.on_done();
}

TEST_F(Dispatch, SendsMoreBatchesAheadWhileTheyAreShort) {
  using std::chrono::microseconds;
  Capabilities capabilities;
  capabilities.batches_per_worker = 4;
  capabilities.short_batches_per_worker = 10;
  Parallel parallel(manual(2, 1, capabilities));
  constexpr std::size_t count = 400;
  std::jthread call([&] { EXPECT_EQ(parallel(squares(count)).size(), count); });
  const auto come_to = [&](std::size_t waiting) {
    while (ManualBackend::waiting(queue) != waiting) std::this_thread::yield();
  };
  come_to(8);
  for (int i = 0; i != 30; ++i) run_next_elsewhere(queue, microseconds(1));
  come_to(20);
  for (int i = 0; i != 30; ++i) run_next_elsewhere(queue, microseconds(1000));
  come_to(8);
  for (std::size_t i = 60; i != count; ++i) run_next_elsewhere(queue, microseconds(1));
}

TEST_F(Dispatch, AsksAtMostForTheResultsThatMayWait) {
  std::atomic<int> read{0};
  ParallelOptions options = manual(4, 10);
  options.max_pending_results = 3;
  Parallel parallel(options);
  auto generator = parallel.generator(counted(100, read));
  EXPECT_EQ(read, 3);
  while (ManualBackend::run_next(queue)) {
  }
  EXPECT_EQ(read, 3) << "done is not read";
  auto it = generator.begin();
  EXPECT_EQ(*it, 0);
  EXPECT_EQ(read, 3) << "the reader has it still";
  ++it;
  // Another thread may have been given the places of the batches that are done: it reads.
  while (read < 4) std::this_thread::yield();
  EXPECT_EQ(read, 4);
}

// A result that can tell whether it was made, and what happens while it is moved.
struct Moved {
  explicit Moved(std::function<void()> at_move) : on_move(std::move(at_move)) {}
  Moved(Moved&& other) noexcept : on_move(std::exchange(other.on_move, nullptr)) {
    if (on_move) std::exchange(on_move, nullptr)();
  }
  ~Moved() { unmade += sign != right; }
  static constexpr std::uint64_t right = 0x600d600d600d600d;
  static inline std::atomic<int> unmade{0};
  std::uint64_t sign = right;
  std::function<void()> on_move;
};

// Between the looks at two finished batches the call may fail, and the second be where it did.
TEST_F(Dispatch, CollectsNothingOfABatchThatHasFailedMeanwhile) {
  Moved::unmade = 0;
  Parallel parallel(manual(2, 1, {.shared_memory = true}));
  bool runs_second = false;
  const auto task = [&](int i) {
    if (i == 2) ManualBackend::run_next(queue);  // the first one is done before anybody looks
    return delayed([&, i] {
      if (i == 1) throw std::runtime_error("the second one fails");
      return Moved([&] { runs_second = ManualBackend::run_next(queue); });
    });
  };
  try {
    (void)parallel(std::views::iota(0, 3) | std::views::transform(task));
    ADD_FAILURE() << "it does not fail";
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find("the second one fails"), std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(runs_second);
  EXPECT_EQ(Moved::unmade, 0);
}

}  // namespace
}  // namespace paracord
