#include "paracord/core/event.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "paracord/core/guarded.h"
#include "paracord/core/slot_count.h"
#include "paracord/core/worker_indexes.h"

namespace paracord::detail {
namespace {

TEST(Event, WakesAWaiterEachTime) {
  Event event;
  std::atomic<int> turn{0};
  std::jthread other([&] {
    for (int i = 0; i != 2000; ++i) {
      event.wait([&] { return turn == 2 * i + 1; });
      turn = 2 * i + 2;
      event.notify();
    }
  });
  for (int i = 0; i != 2000; ++i) {
    turn = 2 * i + 1;
    event.notify();
    event.wait([&] { return turn == 2 * i + 2; });
  }
}

TEST(Event, GivesUpAtItsDeadline) {
  Event event;
  const auto start = SteadyClock::now();
  EXPECT_FALSE(event.wait([] { return false; }, start + std::chrono::milliseconds(5)));
  EXPECT_GE(SteadyClock::now() - start, std::chrono::milliseconds(5));
}

TEST(Guarded, KeepsOthersOut) {
  Guarded<int> counter{0};
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t != 4; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i != 20'000; ++i) counter.with([](int& value) { ++value; });
      });
    }
  }
  EXPECT_EQ(counter.with([](int& value) { return value; }), 80'000);
}

TEST(SlotCount, LimitsAndWaits) {
  SlotCount slots;
  EXPECT_TRUE(slots.take(2));
  EXPECT_TRUE(slots.take(2));
  EXPECT_FALSE(slots.take(2));
  std::jthread other([&] {
    slots.leave();
    slots.leave();
  });
  slots.wait_until_free();
  EXPECT_TRUE(slots.all_free());
}

TEST(SlotCount, LetsAHolderLookAgainWhenSomebodyHasAsked) {
  SlotCount slots;
  EXPECT_TRUE(slots.take(1));
  EXPECT_FALSE(slots.take(1));
  EXPECT_FALSE(slots.give_back()) << "there may be new work";
  EXPECT_TRUE(slots.give_back());
  EXPECT_TRUE(slots.all_free());
}

TEST(WorkerIndexes, GivesTheSmallestThatIsFree) {
  WorkerIndexes indexes;
  indexes.prepare(130);
  for (int i = 0; i != 130; ++i) EXPECT_EQ(indexes.take(), i);
  indexes.give_back(70);
  indexes.give_back(3);
  EXPECT_EQ(indexes.take(), 3);
  EXPECT_EQ(indexes.take(), 70);
}

}  // namespace
}  // namespace paracord::detail
