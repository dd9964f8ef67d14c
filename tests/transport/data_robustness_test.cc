// The data plane where something goes wrong: connections cut, peers that are silent, broken, or
// up to no good.

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <zmq.hpp>

#include "paracord/tests/transport/cut_proxy.h"
#include "paracord/tests/transport/planes.h"
#include "paracord/transport/data_codec.h"

namespace paracord::cluster::test {
namespace {

using Frames = std::vector<std::string>;

Frames frames_of(const data::DataMessage& message) {
  Frames frames;
  data::encode(message, [&](std::span<const std::byte> frame, bool, bool) {
    frames.emplace_back(reinterpret_cast<const char*>(frame.data()), frame.size());
  });
  return frames;
}

// A peer that says what it likes.
class Stranger {
 public:
  explicit Stranger(zmq::socket_type type = zmq::socket_type::dealer) : socket_(context_, type) {
    socket_.set(zmq::sockopt::linger, 0);
  }
  std::string listen() {
    socket_.bind("tcp://127.0.0.1:*");
    return socket_.get(zmq::sockopt::last_endpoint);
  }
  void dial(const std::string& address) { socket_.connect(address); }
  void say(const Frames& frames) {
    for (std::size_t i = 0; i != frames.size(); ++i) {
      socket_.send(zmq::buffer(frames[i]),
                   i + 1 == frames.size() ? zmq::send_flags::none : zmq::send_flags::sndmore);
    }
  }
  // The next message; none where nothing comes for half a minute.
  Frames hear() {
    Frames frames;
    socket_.set(zmq::sockopt::rcvtimeo, 30'000);
    do {
      zmq::message_t frame;
      if (!socket_.recv(frame)) return {};
      frames.push_back(frame.to_string());
      if (!frame.more()) return frames;
    } while (true);
  }

 private:
  zmq::context_t context_;
  zmq::socket_t socket_;
};

bool is_of(const Frames& frames, std::size_t first, data::DataMessage& message,
           std::vector<std::vector<std::uint64_t>>& memory) {
  std::vector<std::span<const std::byte>> parts;
  for (std::size_t i = first; i < frames.size(); ++i) {
    memory.emplace_back(frames[i].size() / 8 + 1);
    std::memcpy(memory.back().data(), frames[i].data(), frames[i].size());
    parts.push_back({reinterpret_cast<const std::byte*>(memory.back().data()), frames[i].size()});
  }
  return data::decode(parts, message).ok();
}

// The node goes on, whatever was done to it.
void expect_serves(Peer& source, const Object& object, PeerId as) {
  Peer sink(as, false);
  sink.start()->dial(source.node());
  Fetched fetched = sink.fetch(object.id(), {source.options.self});
  expect_arrived(fetched, object);
}

TEST(DataRobustness, GoesOnWhereItsConnectionWasCut) {
  Peer source(1), sink(2, false);
  source.start();
  CutProxy proxy(source->address());
  NodeAddress node = source.node();
  node.data_address = proxy.address();
  sink.start()->dial(node);
  const Object object(40 * mebibyte);
  source.offer(object);
  proxy.cut_after(15 * mebibyte);
  Fetched fetched = sink.fetch(object.id(), {1});
  expect_arrived(fetched, object);
  EXPECT_GE(proxy.connections(), 2);
  // What was there already was not asked for again: only what was on its way is lost.
  EXPECT_EQ(sink->counters().received_bytes, object.id().bytes);
  EXPECT_LE(source->counters().sent_bytes, object.id().bytes + source.options.window_bytes);
}

TEST(DataRobustness, GoesOnWhereAConnectionOfAClientWasCut) {
  Peer client(1, false), node(2);
  node.start();
  CutProxy proxy(node->address());
  NodeAddress there = node.node();
  there.data_address = proxy.address();
  client.start()->dial(there);
  const Object object(40 * mebibyte);
  client.offer(object);
  proxy.cut_after(15 * mebibyte);
  Fetched fetched = node.fetch(object.id(), {1});
  expect_arrived(fetched, object);
  EXPECT_EQ(node->counters().received_bytes, object.id().bytes);
}

TEST(DataRobustness, BansWhoSendsGarbage) {
  Peer source(1);
  source.start();
  const Object object(3 * mebibyte);
  source.offer(object);
  std::mt19937 random(1);
  std::uint64_t banned = 0;
  for (const std::size_t bytes : {0, 1, 7, 8, 16, 64, 4096}) {
    Stranger stranger;
    stranger.dial(source->address());
    std::string noise(bytes, '\0');
    for (char& c : noise) c = static_cast<char>(random());
    stranger.say({noise});
    stranger.say(frames_of(data::Hello{}));  // dropped
    for (; source->counters().peers_banned == banned;) std::this_thread::yield();
    banned = source->counters().peers_banned;
  }
  expect_serves(source, object, 9);
  EXPECT_EQ(source->counters().peers_banned, 7u);
}

TEST(DataRobustness, BansWhoSendsTruncatedFramesOrTooMany) {
  Peer source(1);
  source.start();
  const Object object(3 * mebibyte);
  source.offer(object);
  const Frames whole =
      frames_of(data::Chunk{object.id(), 0, std::span(*object.content).first(chunk_bytes)});
  ASSERT_GE(whole.size(), 2u);
  Frames cut = whole, more = whole;
  cut.back().resize(cut.back().size() / 2);
  more.resize(40, std::string(8, '\0'));
  std::uint64_t banned = 0;
  for (const Frames& frames : {cut, more, Frames{whole[0]}}) {
    Stranger stranger;
    stranger.dial(source->address());
    stranger.say(frames_of(data::Hello{data::protocol_version, 77}));
    stranger.say(frames);
    for (; source->counters().peers_banned == banned;) std::this_thread::yield();
    banned = source->counters().peers_banned;
  }
  expect_serves(source, object, 9);
}

TEST(DataRobustness, CutsOffWhoSendsOversizedFrames) {
  Peer source(1);
  source.start();
  const Object object(3 * mebibyte);
  source.offer(object);
  Stranger stranger;
  stranger.dial(source->address());
  stranger.say({std::string(data::largest_frame + 8, 'x')});
  expect_serves(source, object, 9);
  EXPECT_EQ(source->counters().peers_banned, 0u);
}

TEST(DataRobustness, DoesNotLetABannedKeyInAgain) {
  const KeyPair keys = make_key_pair();
  Peer source(1, true, make_key_pair());
  source.start();
  const Object object(100);
  source.offer(object);
  zmq::context_t context;
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  socket.set(zmq::sockopt::linger, 0);
  socket.set(zmq::sockopt::curve_serverkey, source->public_key());
  socket.set(zmq::sockopt::curve_publickey, keys.public_key);
  socket.set(zmq::sockopt::curve_secretkey, keys.secret_key);
  socket.connect(source->address());
  socket.send(zmq::str_buffer("noise"), zmq::send_flags::none);
  while (source->counters().peers_banned == 0) std::this_thread::yield();
  Peer sink(2, false, keys);
  sink.start()->dial(source.node());
  Fetched refused = sink.fetch(object.id(), {1});
  EXPECT_EQ(refused.wait().code(), StatusCode::lost);
}

TEST(DataRobustness, AsksOthersWhatASilentSourceDoesNotSend) {
  Stranger silent(zmq::socket_type::router);
  const Object object(12 * mebibyte);
  Peer source(2), sink(3, false);
  source.start();
  source.offer(object);
  sink.options.silence = std::chrono::milliseconds(300);
  sink.start()->dial({1, "silent", silent.listen(), ""});
  Fetched fetched = sink.fetch(object.id(), {1});
  // Says that it has all of it, and sends nothing.
  for (bool asked = false; !asked;) {
    Frames frames = silent.hear();
    data::DataMessage message;
    std::vector<std::vector<std::uint64_t>> memory;
    ASSERT_TRUE(is_of(frames, 1, message, memory));
    asked = std::holds_alternative<data::AskTable>(message);
    if (!asked) continue;
    for (const data::DataMessage& answer :
         {data::DataMessage(data::TablePart{object.id(), 0, object.table->chunks}),
          data::DataMessage(data::Have{object.id(), true, {}})}) {
      Frames reply = frames_of(answer);
      reply.insert(reply.begin(), frames[0]);
      silent.say(reply);
    }
  }
  sink->dial(source.node());
  sink->add_source(object.id(), 2);
  expect_arrived(fetched, object);
}

TEST(DataRobustness, PassesOverWhoSendsAWrongChunkOrTable) {
  const Object object(6 * mebibyte), other(6 * mebibyte, 2);
  for (const bool wrong_table : {false, true}) {
    Stranger liar(zmq::socket_type::router);
    Peer sink(3, false), source(2);
    source.start();
    source.offer(object);
    sink.start()->dial({1, "liar", liar.listen(), ""});
    Fetched fetched = sink.fetch(object.id(), {1});
    for (bool lied = false; !lied;) {
      const Frames frames = liar.hear();
      data::DataMessage message;
      std::vector<std::vector<std::uint64_t>> memory;
      ASSERT_TRUE(is_of(frames, 1, message, memory));
      const auto reply = [&](const data::DataMessage& answer) {
        Frames out = frames_of(answer);
        out.insert(out.begin(), frames[0]);
        liar.say(out);
      };
      // Only now is there another source: it cannot have served all before the liar is asked.
      const auto add_the_honest_one = [&] {
        sink->dial(source.node());
        sink->add_source(object.id(), 2);
      };
      if (std::holds_alternative<data::AskTable>(message)) {
        if (wrong_table) add_the_honest_one();
        reply(data::TablePart{object.id(), 0,
                              wrong_table ? other.table->chunks : object.table->chunks});
        reply(data::Have{object.id(), true, {}});
        lied = wrong_table;
      } else if (const auto* want = std::get_if<data::Want>(&message)) {
        add_the_honest_one();
        const std::uint32_t chunk = want->chunks.front();
        reply(data::Chunk{
            object.id(), chunk,
            std::span(*other.content)
                .subspan(chunk * chunk_bytes, data::bytes_of_chunk(object.id(), chunk))});
        lied = true;
      }
    }
    expect_arrived(fetched, object);
  }
}

TEST(DataRobustness, TellsWhoSpeaksAnotherVersion) {
  Peer source(1);
  source.start();
  Stranger stranger;
  stranger.dial(source->address());
  stranger.say(frames_of(data::Hello{data::protocol_version + 1, 5}));
  data::DataMessage message;
  std::vector<std::vector<std::uint64_t>> memory;
  ASSERT_TRUE(is_of(stranger.hear(), 0, message, memory));
  EXPECT_NE(std::get<data::Cannot>(message).why.find("version"), std::string::npos);
  EXPECT_EQ(source->counters().peers_banned, 0u);
}

TEST(DataRobustness, EndsWithPeersThatAreGone) {
  auto sink = std::make_unique<Peer>(2, false);
  {
    Peer source(1);
    source.start();
    const Object object(40 * mebibyte);
    source.offer(object);
    sink->start()->dial(source.node());
    Fetched fetched = sink->fetch(object.id(), {1});
  }
  sink.reset();  // while it tries to connect
}

}  // namespace
}  // namespace paracord::cluster::test
