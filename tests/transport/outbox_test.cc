#include "paracord/transport/outbox.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <vector>

namespace paracord::cluster::data {
namespace {

struct OutboxTest : testing::Test {
  std::shared_ptr<Waker> waker = std::make_shared<Waker>();
  Outbox outbox{waker};
  const ObjectId object{{1, 2}, 100}, other{{3, 4}, 100};
  std::vector<std::uint32_t> sent;
  std::vector<Outbox::Turn> turns;
  bool room = true;

  void pump() {
    outbox.pump([&](PeerId, const Outbox::Item& item, const Outbox::Turn& turn) {
      if (!room) return false;
      sent.push_back(item.chunk);
      turns.push_back(turn);
      return true;
    });
  }
  bool is_woken() const {
    pollfd fd{waker->fd(), POLLIN, 0};
    return poll(&fd, 1, 0) == 1;
  }
};

TEST_F(OutboxTest, HandsOverFewAtATime) {
  for (std::uint32_t i = 0; i != 10; ++i) outbox.add(1, {object, i});
  pump();
  const std::size_t few = sent.size();
  EXPECT_LT(few, 10u);
  pump();
  EXPECT_EQ(sent.size(), few);
  EXPECT_FALSE(is_woken());
  turns.erase(turns.begin());
  EXPECT_TRUE(is_woken());
  waker->clear();
  EXPECT_FALSE(is_woken());
  pump();
  EXPECT_EQ(sent.size(), few + 1);
  while (!turns.empty()) {
    turns.clear();
    pump();
  }
  EXPECT_EQ(sent, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_TRUE(outbox.is_empty());
}

TEST_F(OutboxTest, SendsWhatIsAskedTwiceOnce) {
  outbox.add(1, {object, 3});
  outbox.add(1, {object, 3});
  pump();
  EXPECT_EQ(sent.size(), 1u);
  outbox.add(1, {object, 3});
  pump();
  EXPECT_EQ(sent.size(), 2u);
}

TEST_F(OutboxTest, WaitsForRoom) {
  room = false;
  outbox.add(1, {object, 0});
  outbox.add(1, {object, 1});
  pump();
  EXPECT_FALSE(outbox.is_empty());
  room = true;
  pump();
  EXPECT_EQ(sent, (std::vector<std::uint32_t>{0, 1}));
}

TEST_F(OutboxTest, DropsPeersAndObjects) {
  for (const PeerId peer : {1, 2, 3}) outbox.add(peer, {object, 0});
  outbox.add(1, {other, 7});
  outbox.add(4, {other, 8});
  outbox.drop_peer(3);
  EXPECT_EQ(outbox.drop_object(object), (std::set<PeerId>{1, 2}));
  pump();
  EXPECT_EQ(sent, (std::vector<std::uint32_t>{7, 8}));
}

}  // namespace
}  // namespace paracord::cluster::data
