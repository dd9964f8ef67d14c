// The same content in several places, one of which goes.

#include "paracord/backends/zeromq/offers.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::test {
namespace {

struct OffersTest : testing::Test {
  OffersTest() : node(1), client(2, false), offers((node.start(), *node.plane)) {
    client.start()->dial(node.node());
  }
  Status fetched(const Object& object) {
    Fetched fetch = client.fetch(object.id(), {1});
    const Status status = fetch.wait();
    if (status.ok()) {
      EXPECT_TRUE(*fetch.memory == *object.content);
    }
    return status;
  }
  Offers::Offer offer(const Object& object) {
    return offers.add(object.table, object.content->data(), nullptr);
  }
  static void overwrite(Object& object) {
    std::fill(object.content->begin(), object.content->end(), std::byte{0});
  }
  Peer node, client;
  Offers offers;
};

TEST_F(OffersTest, AreShownWhileAnyPlaceIsLeft) {
  Object one(3 * mebibyte), same(3 * mebibyte), third(3 * mebibyte);
  ASSERT_EQ(one.id(), same.id());
  auto first = offer(one);
  auto second = offer(same);
  const auto last = offer(third);
  EXPECT_TRUE(fetched(third).ok());
  first = {};
  overwrite(one);
  EXPECT_TRUE(fetched(third).ok());
  second = {};
  overwrite(same);
  EXPECT_TRUE(fetched(third).ok());
}

TEST_F(OffersTest, MayBeTakenBackInAnyOrder) {
  Object one(3 * mebibyte), same(3 * mebibyte);
  const Object copy(3 * mebibyte);
  auto first = offer(one);
  { const auto second = offer(same); }
  overwrite(same);
  EXPECT_TRUE(fetched(copy).ok());
  first = {};
  EXPECT_EQ(fetched(copy).code(), StatusCode::lost);
}

// Others may have mapped it, for as long as the content is offered.
TEST_F(OffersTest, KeepPlacesThatOthersLookAt) {
  const Object one(3 * mebibyte);
  const FilePlace in_a_file{0, 0, 1, 1};
  auto owner = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = owner;
  auto first = offers.add(one.table, one.content->data(), std::move(owner), in_a_file);
  auto second = offer(one);
  first = {};
  EXPECT_FALSE(watched.expired());
  second = {};
  EXPECT_TRUE(watched.expired());
}

}  // namespace
}  // namespace paracord::cluster::test
