// The backend of local processes under a node of a cluster: batches that are withdrawn one by one.

#include <signal.h>
#include <unistd.h>

#include <array>
#include <functional>
#include <memory>
#include <thread>

#include "paracord/backends/processes/processes_backend.h"
#include "paracord/tests/backends/processes/process_tasks.h"

namespace paracord::detail {
namespace {

using process_tests::eventually;

int whose() {
  return getpid();
}

int until_stopped() {
  while (!stop_requested()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return 1;
}

int begun_until_stopped(const std::string& path) {
  std::ofstream(path).close();
  return until_stopped();
}

// Runs for a while, and says whether somebody wanted it to stop.
int was_stopped() {
  bool stopped = false;
  for (int i = 0; i != 20; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    stopped = stopped || stop_requested();
  }
  return stopped;
}

// A batch of one task.
class OneTask final : public BatchWork, public RemoteTasks {
 public:
  template <class Task>
  explicit OneTask(const Task& task) {
    task.encode(task_);
  }
  void submit(ProcessesBackend& backend) {
    backend.submit(
        Batch(*this),
        OnDone([](void*, void* self, Status) noexcept { static_cast<OneTask*>(self)->over = true; },
               nullptr, this));
  }
  std::atomic<bool> over{false};
  std::atomic<bool> ran{false};
  std::atomic<int> value{0};  // what the task returned
  std::atomic<bool> lost{false};
  std::function<bool()> while_encoded;  // false: it cannot be
  std::array<std::uint64_t, 2> name{};  // in its cluster

  std::size_t size() const override { return 1; }
  void run() noexcept override {}
  RemoteTasks* elsewhere() noexcept override { return this; }
  bool timed() const override { return false; }
  bool stopped() const override { return false; }
  bool are_relayed() const override { return true; }
  std::array<std::uint64_t, 2> assignment() const override { return name; }
  bool encode(std::size_t, Encoder& out) noexcept override {
    out.write(task_.data(), task_.size());
    return !while_encoded || while_encoded();
  }
  void succeeded(std::size_t, Decoder& result, const RemoteRun&) noexcept override {
    value = result.get<int>();
    ran = true;
  }
  Verdict threw(std::size_t, Decoder&, const RemoteRun&) noexcept override { return Verdict::over; }
  Verdict failed(std::size_t, std::exception_ptr, const RemoteRun&) noexcept override {
    lost = true;
    return Verdict::over;
  }
  void measured(std::size_t, std::chrono::nanoseconds) noexcept override {}

 private:
  Encoder task_;
};

class RelayedTasks : public testing::Test {
 protected:
  // So many workers, all of which may run tasks.
  void begin(int workers, std::chrono::milliseconds grace) {
    options_.backend_options = ProcessesOptions{.grace = grace};
    backend_.relay(
        {"", [](std::uint32_t number) { return module_of(std::uint64_t{number} << 40); }, workers});
    const CallSettings settings{workers, 0, false, false, &*options_.backend_options, &options_};
    ASSERT_TRUE(backend_.configure(settings).status.ok());
    backend_.allow(workers);
  }
  void TearDown() override { backend_.finish_call(); }

  int pid_of_a_worker() {
    OneTask asks(delayed<whose>());
    asks.submit(backend_);
    EXPECT_TRUE(eventually([&] { return asks.over.load(); }));
    return asks.value;
  }

  ParallelOptions options_;
  ProcessesBackend backend_;
};

// The worker still has to pass over all that was taken back from it, and nothing else is under way
// that would make anybody look.
TEST_F(RelayedTasks, RunWhereAllThatWasSentBeforeWasWithdrawn) {
  begin(1, std::chrono::seconds(5));
  const int worker = pid_of_a_worker();
  for (int round = 0; round != 20; ++round) {
    ASSERT_EQ(kill(worker, SIGSTOP), 0);
    std::vector<std::unique_ptr<OneTask>> withdrawn;
    for (int i = 0; i != 30; ++i) {
      withdrawn.push_back(std::make_unique<OneTask>(delayed<whose>()));
      withdrawn.back()->submit(backend_);
    }
    for (const auto& task : withdrawn) backend_.withdraw(*task, false);
    for (const auto& task : withdrawn)
      ASSERT_TRUE(eventually([&] { return task->over.load(); })) << "round " << round;
    OneTask next(delayed<whose>());
    next.submit(backend_);
    ASSERT_EQ(kill(worker, SIGCONT), 0);
    ASSERT_TRUE(eventually([&] { return next.over.load(); })) << "round " << round;
    EXPECT_EQ(next.value, worker);
  }
}

// While one is written for its worker, another one finds the worker that is idle.
TEST_F(RelayedTasks, GoToTwoWorkersWhereTheyAreSentAtTheSameTime) {
  begin(2, std::chrono::seconds(5));
  OneTask first(delayed<until_stopped>());
  first.submit(backend_);
  (void)pid_of_a_worker();
  backend_.withdraw(first, true);
  ASSERT_TRUE(eventually([&] { return first.over.load(); }));

  OneTask slow(delayed<until_stopped>()), quick(delayed<whose>());
  std::thread other;
  slow.while_encoded = [&] {
    other = std::thread([&] { quick.submit(backend_); });
    (void)eventually([&] { return quick.over.load(); });
    return true;
  };
  slow.submit(backend_);
  other.join();
  EXPECT_TRUE(quick.over) << "it waits behind the slow one";
  backend_.withdraw(slow, true);
  EXPECT_TRUE(eventually([&] { return slow.over && quick.over; }));
}

// A worker that was chosen for what cannot be written is free for others, also where no part is
// sent ahead.
TEST_F(RelayedTasks, RunWhereOneBeforeThemCouldNotBeWritten) {
  begin(1, std::chrono::seconds(5));
  backend_.allow(1, false);
  for (int round = 0; round != 3; ++round) {
    OneTask broken(delayed<whose>()), waiting(delayed<whose>()), next(delayed<whose>());
    broken.while_encoded = [&] {
      std::thread([&] { waiting.submit(backend_); }).join();  // for the worker that is taken
      return false;
    };
    broken.submit(backend_);
    next.submit(backend_);
    ASSERT_TRUE(eventually([&] { return broken.over && waiting.over && next.over; }));
    EXPECT_FALSE(broken.ran);
    EXPECT_TRUE(waiting.ran && next.ran);
  }
}

// A task that waits for others may wait for the very one that is sent behind it.
TEST_F(RelayedTasks, DoNotStandBehindOneThatIsParkedMeanwhile) {
  begin(2, std::chrono::seconds(5));
  backend_.allow(1);
  const std::string begun = testing::TempDir() + "parked-" + std::to_string(getpid());
  OneTask waits(delayed<begun_until_stopped>(begun)), other(delayed<whose>());
  waits.name = {1, 1};
  waits.submit(backend_);
  ASSERT_TRUE(eventually([&] { return std::filesystem::remove(begun); }));
  other.while_encoded = [&] {
    backend_.park(waits.name, true);
    return true;
  };
  other.submit(backend_);
  EXPECT_TRUE(eventually([&] { return other.over.load(); }));
  EXPECT_FALSE(waits.over);
  backend_.withdraw(waits, true);
  EXPECT_TRUE(eventually([&] { return waits.over && other.over; }));
}

// Where calls share slots, a worker without work is there for the others.
TEST_F(RelayedTasks, LeaveTheirWorkerToOthersWhereTheyCannotBeWritten) {
  begin(1, std::chrono::seconds(5));
  backend_.allow(1, false);
  const int worker = pid_of_a_worker();
  OneTask broken(delayed<whose>());
  broken.while_encoded = [] { return false; };
  broken.submit(backend_);
  ASSERT_TRUE(eventually([&] { return broken.over.load(); }));
  ProcessesBackend another;
  another.relay(
      {"", [](std::uint32_t number) { return module_of(std::uint64_t{number} << 40); }, 1});
  const CallSettings settings{1, 0, false, false, &*options_.backend_options, &options_};
  ASSERT_TRUE(another.configure(settings).status.ok());
  another.allow(1, false);
  OneTask asks(delayed<whose>());
  asks.submit(another);
  EXPECT_TRUE(eventually([&] { return asks.over.load(); }));
  EXPECT_EQ(asks.value, worker);
  another.finish_call();
}

TEST_F(RelayedTasks, AreAskedToStopOneByOne) {
  begin(1, std::chrono::seconds(30));
  const int worker = pid_of_a_worker();
  for (int round = 0; round != 20; ++round) {
    OneTask stopped(delayed<until_stopped>()), innocent(delayed<was_stopped>());
    stopped.submit(backend_);
    innocent.submit(backend_);
    backend_.withdraw(stopped, true);
    ASSERT_TRUE(eventually([&] { return stopped.over && innocent.over; }));
    EXPECT_TRUE(innocent.ran);
    EXPECT_EQ(innocent.value, 0) << "another task's stop";
  }
  EXPECT_EQ(pid_of_a_worker(), worker);
}

// Without a time of grace the worker is killed at once: that must not hit what it runs next.
TEST_F(RelayedTasks, AreNotLostForOthersThatAreKilled) {
  begin(2, std::chrono::milliseconds(0));
  for (int round = 0; round != 50; ++round) {
    OneTask first(delayed<whose>()), second(delayed<until_stopped>());
    first.submit(backend_);
    second.submit(backend_);
    if (round % 2 != 0) {
      EXPECT_TRUE(eventually([&] { return first.over.load(); }));
    }
    backend_.withdraw(second, true);
    ASSERT_TRUE(eventually([&] { return first.over && second.over; }));
    EXPECT_TRUE(first.ran) << "round " << round;
    EXPECT_FALSE(first.lost) << "round " << round;
  }
}

}  // namespace
}  // namespace paracord::detail
