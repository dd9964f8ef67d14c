#include "paracord/transport/data_codec.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::data {
namespace {

using test::Object;

// Encoded, and at addresses as ZeroMQ's frames have them.
struct Encoded {
  explicit Encoded(const DataMessage& message) {
    encode(message, [&](std::span<const std::byte> frame, bool is_chunk, bool) {
      in_place = in_place || is_chunk;
      memory.emplace_back((frame.size() + 7) / 8);
      if (!frame.empty()) std::memcpy(memory.back().data(), frame.data(), frame.size());
    });
  }
  std::vector<std::span<const std::byte>> frames() const {
    std::vector<std::span<const std::byte>> all;
    for (const auto& words : memory) all.push_back(std::as_bytes(std::span(words)));
    return all;
  }
  std::vector<std::vector<std::uint64_t>> memory;
  bool in_place = false;
};

template <class Message>
Message again(const Encoded& encoded) {
  DataMessage message;
  const Status status = decode(encoded.frames(), message);
  EXPECT_TRUE(status.ok()) << status.message();
  return std::get<Message>(message);
}

Status refusal(const DataMessage& message) {
  DataMessage read;
  return decode(Encoded(message).frames(), read);
}

const ObjectId five{{7, 8}, 5 * chunk_bytes - 3};

TEST(DataCodec, KeepsEachMessage) {
  const auto hello = again<Hello>(Encoded(Hello{3, 99, {7, 8, {9, 10}}}));
  EXPECT_EQ(hello.whereabouts.process, 7);
  EXPECT_EQ(hello.whereabouts.fd, 8);
  EXPECT_EQ(hello.whereabouts.nonce, (std::array<std::uint64_t, 2>{9, 10}));
  EXPECT_EQ(hello.protocol, 3u);
  EXPECT_EQ(hello.peer, 99u);
  const auto ask = again<AskTable>(Encoded(AskTable{five, 4}));
  EXPECT_EQ(ask.object, five);
  EXPECT_EQ(ask.first, 4u);
  const auto table = again<TablePart>(Encoded(TablePart{five, 3, {{1, 2}, {3, 4}}}));
  EXPECT_EQ(table.first, 3u);
  EXPECT_EQ(table.digests, (std::vector<Digest>{{1, 2}, {3, 4}}));
  EXPECT_EQ(again<Want>(Encoded(Want{five, {0, 4, 2}})).chunks,
            (std::vector<std::uint32_t>{0, 4, 2}));
  const auto have = again<Have>(Encoded(Have{five, true, {1}}));
  EXPECT_TRUE(have.all);
  EXPECT_EQ(have.chunks, std::vector<std::uint32_t>{1});
  const auto cannot = again<Cannot>(Encoded(Cannot{five, "no"}));
  EXPECT_EQ(cannot.object, five);
  EXPECT_EQ(cannot.why, "no");
  EXPECT_EQ(again<Cannot>(Encoded(Cannot{five, std::string(100'000, 'x')})).why.size(), 1000u);
}

TEST(DataCodec, KeepsPlacesInFiles) {
  EXPECT_EQ(again<AskPlace>(Encoded(AskPlace{five})).object, five);
  const auto place = again<Place>(Encoded(Place{five, {-1, 2, 3, 4}}));
  EXPECT_EQ(place.object, five);
  EXPECT_EQ(place.place.fd, -1);
  EXPECT_EQ(place.place.offset, 2u);
  EXPECT_EQ(place.place.device, 3u);
  EXPECT_EQ(place.place.inode, 4u);
}

TEST(DataCodec, SendsChunksFromWhereTheyLie) {
  const Object object(2 * chunk_bytes + 11);
  const std::span<const std::byte> bytes(*object.content);
  for (const std::uint32_t index : {0u, 1u, 2u}) {
    const auto part = bytes.subspan(index * chunk_bytes, bytes_of_chunk(object.id(), index));
    const Encoded encoded(Chunk{object.id(), index, part});
    EXPECT_EQ(encoded.in_place, index != 2);
    const auto chunk = again<Chunk>(encoded);
    EXPECT_EQ(chunk.index, index);
    ASSERT_EQ(chunk.bytes.size(), part.size());
    EXPECT_EQ(std::memcmp(chunk.bytes.data(), part.data(), part.size()), 0);
  }
}

TEST(DataCodec, RefusesWhatDoesNotFitItsObject) {
  const std::vector<std::byte> some(100);
  EXPECT_EQ(refusal(Want{five, {5}}).code(), StatusCode::invalid_argument);
  EXPECT_FALSE(refusal(Have{five, false, {0, 5}}).ok());
  EXPECT_FALSE(refusal(TablePart{five, 4, {{1, 2}, {3, 4}}}).ok());
  EXPECT_FALSE(refusal(TablePart{five, 0xffffffff, {{1, 2}, {3, 4}}}).ok());
  EXPECT_FALSE(refusal(Chunk{five, 5, some}).ok());
  EXPECT_FALSE(refusal(Chunk{five, 0, some}).ok());
  EXPECT_FALSE(refusal(AskTable{{{1, 1}, std::uint64_t{1} << 45}}).ok());
  EXPECT_FALSE(
      refusal(Want{{{1, 1}, 1'000'000 * chunk_bytes}, std::vector<std::uint32_t>(longest_list + 1)})
          .ok());
}

TEST(DataCodec, RefusesFramesThatAreNone) {
  DataMessage message;
  EXPECT_FALSE(decode({}, message).ok());
  const std::vector<std::byte> odd(9);
  const std::span<const std::byte> one(odd);
  EXPECT_FALSE(decode({&one, 1}, message).ok());
  const std::vector<std::span<const std::byte>> many(5);
  EXPECT_FALSE(decode(many, message).ok());
}

// Whatever is changed in a message: it is read or refused.
TEST(DataCodec, SurvivesDamage) {
  std::mt19937 random(5);
  const Object object(3 * chunk_bytes);
  for (const DataMessage& whole :
       {DataMessage(Want{five, {0, 1, 2}}), DataMessage(TablePart{five, 0, {{1, 2}, {3, 4}}}),
        DataMessage(Cannot{five, "why"}), DataMessage(Have{five, false, {1, 2}}),
        DataMessage(Chunk{object.id(), 1, std::span(*object.content).first(chunk_bytes)})}) {
    for (int run = 0; run != 2000; ++run) {
      Encoded damaged(whole);
      if (run >= 200 && damaged.memory.size() > 1) break;  // chunks are large
      auto& words = damaged.memory[random() % damaged.memory.size()];
      for (int change = 0; change != 3; ++change)
        words[random() % std::min<std::size_t>(words.size(), 64)] ^= 1ull << (random() % 64);
      DataMessage message;
      (void)decode(damaged.frames(), message);
    }
  }
}

}  // namespace
}  // namespace paracord::cluster::data
