#include "paracord/backends/threads/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <latch>
#include <thread>

#include "paracord/core/cpu_count.h"

namespace paracord::detail {
namespace {

struct Client final : PoolClient {
  Client(bool is_budgeted, std::function<void()> action)
      : is_budgeted(is_budgeted), action(std::move(action)) {}
  ~Client() { ThreadPool::instance().retire(*this); }
  void work() noexcept override {
    action();
    ++visits;
  }
  bool budgeted() const override { return is_budgeted; }
  const bool is_budgeted;
  const std::function<void()> action;
  std::atomic<int> visits{0};
};

TEST(ThreadPool, SendsAThreadForEachPromisedRequest) {
  constexpr int wanted = 9;
  std::barrier meet(wanted + 1);
  Client client(false, [&] { meet.arrive_and_wait(); });
  for (int i = 0; i != wanted; ++i) ASSERT_TRUE(ThreadPool::instance().request(client));
  meet.arrive_and_wait();
}

TEST(ThreadPool, KeepsBudgetedWorkWithinTheCpus) {
  std::atomic<int> now{0}, most{0}, done{0};
  Client client(true, [&] {
    const int running = ++now;
    for (int seen = most; running > seen && !most.compare_exchange_weak(seen, running);) {
    }
    std::this_thread::yield();
    --now;
    ++done;
    done.notify_all();
  });
  constexpr int requests = 300;
  for (int i = 0; i != requests; ++i) ASSERT_TRUE(ThreadPool::instance().request(client));
  for (int seen = done; seen != requests; seen = done) done.wait(seen);
  EXPECT_LE(most, cpu_count());
}

TEST(ThreadPool, CountsCallersAgainstTheBudget) {
  ThreadPool& pool = ThreadPool::instance();
  std::latch visited(1);
  Client client(true, [&] { visited.count_down(); });
  for (int i = 0; i != cpu_count(); ++i) pool.caller_begins();
  ASSERT_TRUE(pool.request(client));
  EXPECT_FALSE(visited.try_wait());
  EXPECT_EQ(client.visits, 0);
  for (int i = 0; i != cpu_count(); ++i) pool.caller_ends();
  visited.wait();
}

TEST(ThreadPool, RetiresAClientOnceItsVisitorsAreGone) {
  for (int round = 0; round != 200; ++round) {
    std::atomic<int> inside{0};
    {
      Client client(false, [&] {
        ++inside;
        std::this_thread::yield();
        --inside;
      });
      for (int i = 0; i != 3; ++i) ASSERT_TRUE(ThreadPool::instance().request(client));
    }
    ASSERT_EQ(inside, 0);
  }
}

}  // namespace
}  // namespace paracord::detail
