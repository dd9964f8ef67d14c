#include "paracord/core/auto_batching.h"

#include <gtest/gtest.h>

namespace paracord {
namespace {

using std::chrono::microseconds;
using std::chrono::nanoseconds;

class Batching final : public AutoBatchingMixin {
 public:
  Batching() : AutoBatchingMixin({microseconds(100), microseconds(1000), 1 << 20}) {}
  Capabilities capabilities() const override { return {}; }
  Configured configure(const CallSettings&) override { return {}; }
  void submit(Batch, OnDone) override {}
  void abort() override {}

  // Reports a batch of the current size whose tasks took `each`.
  std::size_t report(nanoseconds each) {
    const std::size_t size = compute_batch_size();
    batch_completed(size, each * size);
    return compute_batch_size();
  }
};

TEST(AutoBatching, BeginsWithOneAndDoublesAtMost) {
  Batching batching;
  EXPECT_EQ(batching.compute_batch_size(), 1u);
  std::size_t before = 1;
  for (int step = 0; step != 10; ++step) {
    const std::size_t now = batching.report(nanoseconds(10));
    EXPECT_LE(now, 2 * before);
    before = now;
  }
  EXPECT_EQ(before, 1024u);
}

TEST(AutoBatching, SettlesWhereABatchTakesAsLongAsWanted) {
  Batching batching;
  for (int step = 0; step != 50; ++step) batching.report(microseconds(10));
  const auto size = static_cast<long>(batching.compute_batch_size());
  EXPECT_GE(size * 10, 100);
  EXPECT_LE(size * 10, 1000);
}

TEST(AutoBatching, ShrinksWhenTasksTurnSlowAndNeverBelowOne) {
  Batching batching;
  for (int step = 0; step != 10; ++step) batching.report(nanoseconds(10));
  for (int step = 0; step != 10; ++step) batching.report(std::chrono::seconds(1));
  EXPECT_EQ(batching.compute_batch_size(), 1u);
}

TEST(AutoBatching, LeavesSlowTasksSingle) {
  Batching batching;
  EXPECT_EQ(batching.report(std::chrono::seconds(1)), 1u);
}

TEST(AutoBatching, IgnoresBatchesOfAnotherSize) {
  Batching batching;
  batching.batch_completed(7, nanoseconds(1));
  EXPECT_EQ(batching.compute_batch_size(), 1u);
}

TEST(AutoBatching, WeighsThePastWithFourFifths) {
  Batching batching;
  // 150 µs, then 20 samples of 10 µs: the mean falls below 100 µs at the third: 150, 122, 99.6.
  EXPECT_EQ(batching.report(microseconds(150)), 1u);
  EXPECT_EQ(batching.report(microseconds(10)), 1u);
  EXPECT_EQ(batching.report(microseconds(10)), 2u);
}

TEST(AutoBatching, BeginsAnewAfterAReset) {
  Batching batching;
  for (int step = 0; step != 5; ++step) batching.report(nanoseconds(10));
  batching.reset_batch_statistics();
  EXPECT_EQ(batching.compute_batch_size(), 1u);
}

}  // namespace
}  // namespace paracord
