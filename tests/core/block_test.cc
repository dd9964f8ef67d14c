#include "paracord/core/block.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "paracord/core/block_list.h"
#include "paracord/core/call.h"

namespace paracord::detail {
namespace {

constexpr std::size_t everything = 1 << 20;
constexpr Layout layout{sizeof(int), alignof(int), sizeof(double), alignof(double), true, false};

// A block knows its call, but does not ask it anything here.
Call& no_call() {
  return *reinterpret_cast<Call*>(alignof(Call));
}

void fill(Block& block, std::size_t first, std::size_t count, std::size_t grain) {
  block.prepare(first, count, layout, nullptr);
  block.count = count;
  block.publish(grain);
}

TEST(Block, IsClaimedInGrains) {
  Block block(no_call());
  fill(block, 100, 10, 4);
  std::vector<std::size_t> sizes;
  for (auto claim = block.claim(everything); !claim.empty(); claim = block.claim(everything))
    sizes.push_back(claim.size());
  EXPECT_EQ(sizes, (std::vector<std::size_t>{4, 4, 2}));
  EXPECT_FALSE(block.has_unclaimed());
}

TEST(Block, GivesNoMoreThanIsAskedFor) {
  Block block(no_call());
  fill(block, 0, 10, 4);
  EXPECT_EQ(block.claim(1).size(), 1u);
  EXPECT_EQ(block.claim(2).size(), 2u);
  EXPECT_EQ(block.claim(0).size(), 1u) << "an empty claim says that nothing is left";
}

TEST(Block, TakesTasksBack) {
  Block block(no_call());
  fill(block, 0, 8, 8);
  const auto claim = block.claim(everything);
  EXPECT_EQ(claim.end, 8u);
  EXPECT_TRUE(block.give_back(3, claim.end));
  EXPECT_EQ(block.claim(everything).begin, 3u);  // and from now on one by one
  EXPECT_EQ(block.claim(everything).size(), 1u);
  EXPECT_FALSE(block.give_back(3, 4)) << "somebody has claimed behind it";
}

TEST(Block, IsFinishedWhenAllItsTasksAre) {
  Block block(no_call());
  fill(block, 0, 5, 1);
  EXPECT_FALSE(block.finish(2));
  EXPECT_FALSE(block.finished());
  EXPECT_TRUE(block.finish(3));
  EXPECT_TRUE(block.finished());
}

TEST(Block, RemembersWhichResultsAreMissing) {
  Block block(no_call());
  fill(block, 0, 3, 1);
  EXPECT_EQ(block.gaps(), nullptr);
  block.add_gap(1, nullptr);
  EXPECT_TRUE(block.gaps()->missing(1));
  EXPECT_FALSE(block.gaps()->missing(0));
  EXPECT_FALSE(block.gaps()->missing(2));
  EXPECT_EQ(block.gaps()->error(1), nullptr) << "cancelled";
  block.add_gap(0, std::make_exception_ptr(5));
  EXPECT_TRUE(block.gaps()->missing(0));
  EXPECT_NE(block.gaps()->error(0), nullptr);
  fill(block, 3, 3, 1);
  EXPECT_EQ(block.gaps(), nullptr);
}

TEST(Block, GivesEachTaskToOneClaimer) {
  for (int round = 0; round != 20; ++round) {
    Block block(no_call());
    constexpr std::size_t count = 5000;
    fill(block, 0, count, 3);
    std::vector<std::atomic<int>> claimed(count);
    {
      std::vector<std::jthread> claimers;
      for (int t = 0; t != 3; ++t) {
        claimers.emplace_back([&] {
          for (auto claim = block.claim(everything); !claim.empty();
               claim = block.claim(everything)) {
            for (std::size_t i = claim.begin; i != claim.end; ++i) ++claimed[i];
          }
        });
      }
    }
    for (const auto& times : claimed) ASSERT_EQ(times, 1);
  }
}

TEST(BlockList, FindsTheOldestWithWork) {
  BlockList list;
  Block& a = list.take_free(no_call());
  Block& b = list.take_free(no_call());
  fill(a, 0, 2, 1);
  fill(b, 2, 2, 1);
  list.append(a);
  list.append(b);
  EXPECT_EQ(list.find_unclaimed(false), &a);
  (void)a.claim_rest();
  EXPECT_EQ(list.find_unclaimed(false), &b);
  list.remove(a);
  EXPECT_EQ(list.front(), &b);
  list.put_back(a);
  EXPECT_EQ(&list.take_free(no_call()), &a);
}

TEST(BlockList, KnowsWhereASecondThreadFindsWork) {
  BlockList list;
  Block& a = list.take_free(no_call());
  fill(a, 0, 2, 2);
  list.append(a);
  EXPECT_EQ(list.find_unclaimed(true), nullptr) << "one claim takes all of it";
  Block& b = list.take_free(no_call());
  fill(b, 2, 3, 2);
  list.append(b);
  EXPECT_EQ(list.find_unclaimed(true), &b);
}

TEST(BlockList, GivesFinishedBlocksInTheirOrder) {
  BlockList list;
  Block& a = list.take_free(no_call());
  Block& b = list.take_free(no_call());
  list.add_finished(b);
  list.add_finished(a);
  EXPECT_EQ(list.take_finished(), &b);
  EXPECT_EQ(list.take_finished(), &a);
  EXPECT_EQ(list.take_finished(), nullptr);
}

}  // namespace
}  // namespace paracord::detail
