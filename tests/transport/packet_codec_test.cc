#include "paracord/transport/packet_codec.h"

#include <gtest/gtest.h>

#include <random>
#include <set>

#include "paracord/tests/transport/packet_samples.h"

namespace paracord::cluster {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

TEST(PacketCodec, KeepsAllThatIsSaid) {
  const Packet packet = sample_packet();
  std::set<std::size_t> kinds;
  for (const Message& message : packet.messages) kinds.insert(message.index());
  EXPECT_EQ(kinds.size(), std::variant_size_v<Message>) << "the sample lacks a kind";
  const std::string bytes = encode_packet(packet);
  Packet read;
  ASSERT_TRUE(decode_packet(bytes_of(bytes), read).ok());
  EXPECT_EQ(read.session, packet.session);
  EXPECT_EQ(read.sequence, packet.sequence);
  ASSERT_EQ(read.messages.size(), packet.messages.size());
  // Said again, it is the same.
  EXPECT_EQ(encode_packet(read), bytes);
  const auto& call = std::get<OpenCall>(read.messages[3]);
  EXPECT_EQ(call.priority, -1);
  EXPECT_EQ(call.most_at_once, 3u);
  EXPECT_EQ(std::get<BatchOver>(read.messages[12]).ran_nanoseconds, -5);
}

TEST(PacketCodec, RefusesWhatIsNoPacket) {
  const std::string bytes = encode_packet(sample_packet());
  Packet read;
  EXPECT_FALSE(decode_packet({}, read).ok());
  for (std::size_t size = 0; size < bytes.size(); size += 7)
    EXPECT_FALSE(decode_packet(bytes_of(bytes.substr(0, size)), read).ok()) << size;
  std::mt19937 random(3);
  for (int round = 0; round != 20'000; ++round) {
    std::string changed = bytes;
    for (int change = 0; change != 4; ++change)
      changed[random() % changed.size()] = static_cast<char>(random());
    (void)decode_packet(bytes_of(changed), read);  // whatever it finds, it ends
  }
}

}  // namespace
}  // namespace paracord::cluster
