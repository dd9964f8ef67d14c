// Fetch: which chunks are asked of whom, without sockets.

#include "paracord/transport/fetch.h"

#include <gtest/gtest.h>

#include <map>
#include <optional>

#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::data {
namespace {

using std::chrono::milliseconds;
using test::mebibyte;
using test::Object;

constexpr PeerId origin = 1, self = 50;

struct FetchTest : testing::Test {
  void start(std::vector<PeerId> sources, std::uint32_t window = 8) {
    Fetch::Setup setup;
    setup.self = self;
    setup.object = object.id();
    setup.destination = {memory.data(), nullptr, fill};
    setup.sources = std::move(sources);
    setup.window_chunks = window;
    setup.silence = milliseconds(1000);
    setup.on_fetched = [this](Status status, const auto&) { told = std::move(status); };
    setup.reaches = [this](PeerId peer) { return !unreachable.contains(peer); };
    setup.send = [this](PeerId peer, const DataMessage& message) {
      if (const auto* want = std::get_if<Want>(&message)) {
        wanted[peer].insert(wanted[peer].end(), want->chunks.begin(), want->chunks.end());
      } else if (std::holds_alternative<AskTable>(message)) {
        ++tables_asked[peer];
      } else if (const auto* have = std::get_if<Have>(&message)) {
        had[peer].insert(have->chunks.begin(), have->chunks.end());
      }
      return true;
    };
    fetch.emplace(std::move(setup), now);
    fetch->pump(now);
  }
  void give_table(PeerId peer) {
    fetch->take_table(peer, {object.id(), 0, object.table->chunks}, now);
  }
  void has_all(PeerId peer) {
    give_table(peer);
    fetch->take_have(peer, {object.id(), true, {}});
    fetch->pump(now);
  }
  void has(PeerId peer, std::vector<std::uint32_t> chunks) {
    give_table(peer);
    fetch->take_have(peer, {object.id(), false, std::move(chunks)});
    fetch->pump(now);
  }
  bool bring(PeerId peer, std::uint32_t chunk) {
    const auto bytes = std::span<const std::byte>(*object.content)
                           .subspan(chunk * chunk_bytes, bytes_of_chunk(object.id(), chunk));
    const bool right = fetch->take_chunk(peer, {object.id(), chunk, bytes}, now);
    fetch->pump(now);
    return right;
  }
  // All that was asked comes, until all is there.
  void bring_all() {
    while (fetch->state() == Fetch::State::running) {
      const auto asked = std::exchange(wanted, {});
      ASSERT_FALSE(asked.empty());
      for (const auto& [peer, chunks] : asked) {
        for (const std::uint32_t chunk : chunks) {
          brought[peer] += 1;
          bring(peer, chunk);
        }
      }
    }
  }
  std::size_t count_wanted() const {
    std::size_t count = 0;
    for (const auto& [peer, chunks] : wanted) count += chunks.size();
    return count;
  }

  Object object{64 * mebibyte};  // 32 chunks
  std::vector<std::byte> memory = std::vector<std::byte>(64 * mebibyte);
  std::function<int(std::size_t, std::span<const std::byte>)> fill;
  std::map<PeerId, std::vector<std::uint32_t>> wanted;
  std::map<PeerId, int> tables_asked, brought;
  std::map<PeerId, std::set<std::uint32_t>> had;
  std::set<PeerId> unreachable;
  std::optional<Status> told;
  Time now{std::chrono::seconds(100)};
  std::optional<Fetch> fetch;
};

TEST_F(FetchTest, KeepsAWindowOnItsWay) {
  start({origin}, 5);
  EXPECT_EQ(tables_asked[origin], 1);
  has_all(origin);
  EXPECT_EQ(wanted[origin].size(), 5u);
  bring(origin, wanted[origin].front());
  EXPECT_EQ(wanted[origin].size(), 6u);
  wanted[origin].erase(wanted[origin].begin());
  bring_all();
  EXPECT_EQ(fetch->state(), Fetch::State::done);
  EXPECT_TRUE(memory == *object.content);
  EXPECT_EQ(brought[origin], 31);
}

TEST_F(FetchTest, AsksFasterSourcesMoreOften) {
  start({origin, 2, 3}, 8);
  for (const PeerId peer : {PeerId{2}, PeerId{3}}) fetch->take_have(peer, {object.id(), true, {}});
  has_all(origin);
  const std::size_t slow = wanted[3].size();
  EXPECT_GT(slow, 0u);
  for (int i = 0; i != 12; ++i) {
    const std::uint32_t chunk = wanted[2].front();
    wanted[2].erase(wanted[2].begin());
    bring(2, chunk);
  }
  EXPECT_LE(wanted[3].size(), slow + 1);
}

TEST_F(FetchTest, TakesOfOthersWhatTheyHave) {
  start({origin, 2});
  has(2, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15});
  has_all(origin);
  bring_all();
  EXPECT_GE(brought[2], 16);
  EXPECT_LE(brought[origin], 16);
}

TEST_F(FetchTest, AsksTheOriginForItsOwnPartFirst) {
  start({origin, 2, 60, 70}, 8);  // of four parties, the second
  for (const PeerId peer : {PeerId{2}, PeerId{60}, PeerId{70}}) has(peer, {});
  has_all(origin);
  ASSERT_EQ(wanted[origin].size(), 8u);
  for (std::uint32_t i = 0; i != 8; ++i) EXPECT_EQ(wanted[origin][i], 8 + i);
}

TEST_F(FetchTest, TakesAllOfTheOriginWhereOthersStall) {
  start({origin, 2, 60, 70}, 8);
  for (const PeerId peer : {PeerId{2}, PeerId{60}, PeerId{70}}) has(peer, {});
  has_all(origin);
  for (int rounds = 0; fetch->state() == Fetch::State::running; ++rounds) {
    ASSERT_LT(rounds, 100);
    const auto asked = std::exchange(wanted, {});
    for (const auto& [peer, chunks] : asked) {
      for (const std::uint32_t chunk : chunks) bring(peer, chunk);
    }
    now += milliseconds(300);
    fetch->pump(now);
  }
  EXPECT_EQ(fetch->state(), Fetch::State::done);
}

TEST_F(FetchTest, AsksAgainOnlyWhatIsMissingAfterALostConnection) {
  start({origin});
  has_all(origin);
  const auto asked = std::exchange(wanted[origin], {});
  bring(origin, asked[0]);
  bring(origin, asked[1]);
  fetch->source_lost(origin);
  wanted.clear();
  fetch->source_connected(origin, now);
  fetch->pump(now);
  EXPECT_EQ(tables_asked[origin], 2);
  for (const std::uint32_t chunk : wanted[origin]) {
    EXPECT_NE(chunk, asked[0]);
    EXPECT_NE(chunk, asked[1]);
  }
  bring_all();
  EXPECT_EQ(brought[origin], 30);
}

TEST_F(FetchTest, AsksOthersWhereASourceIsSilent) {
  start({origin, 2});
  has_all(origin);
  has_all(2);
  now += milliseconds(600);
  const std::uint32_t chunk = wanted[origin].empty() ? 0 : wanted[origin].front();
  if (!wanted[origin].empty()) bring(origin, chunk);
  wanted.clear();
  now += milliseconds(600);  // 2 has said nothing for longer than it may
  fetch->pump(now);
  EXPECT_GT(wanted[origin].size() + wanted[2].size(), 0u);
  EXPECT_GT(wanted[origin].size(), wanted[2].size());
}

TEST_F(FetchTest, IsLostWhereNobodyAnswers) {
  start({origin});
  for (int second = 0; second != 20; ++second) fetch->pump(now += milliseconds(1000));
  EXPECT_EQ(fetch->state(), Fetch::State::lost);
  EXPECT_EQ(fetch->failure().code(), StatusCode::lost);
}

TEST_F(FetchTest, RefusesWrongTablesAndChunksForGood) {
  start({origin, 2, 3});
  fetch->take_table(2, {object.id(), 0, Object(64 * mebibyte, 2).table->chunks}, now);
  EXPECT_EQ(fetch->table(), nullptr);
  fetch->add_source(2, now);
  tables_asked.clear();
  fetch->pump(now);
  EXPECT_EQ(tables_asked.count(2), 0u);
  has_all(3);
  const std::vector<std::byte> wrong(chunk_bytes);
  EXPECT_FALSE(fetch->take_chunk(3, {object.id(), wanted[3][0], wrong}, now));
  wanted.clear();
  has_all(origin);
  bring_all();
  EXPECT_TRUE(memory == *object.content);
}

TEST_F(FetchTest, ReadsLongTablesInParts) {
  start({origin, 2});
  const auto& all = object.table->chunks;
  fetch->take_table(origin, {object.id(), 0, {all.begin(), all.begin() + 20}}, now);
  EXPECT_EQ(tables_asked[origin], 2);
  fetch->source_lost(origin);  // of another source, from the beginning
  fetch->take_table(2, {object.id(), 20, {all.begin() + 20, all.end()}}, now);
  EXPECT_EQ(fetch->table(), nullptr);
  fetch->take_table(2, {object.id(), 0, {all.begin(), all.begin() + 20}}, now);
  fetch->take_table(2, {object.id(), 20, {all.begin() + 20, all.end()}}, now);
  EXPECT_NE(fetch->table(), nullptr);
}

TEST_F(FetchTest, TellsWhoListens) {
  start({origin});
  has_all(origin);
  fetch->add_listener(9);
  const auto asked = wanted[origin];
  bring(origin, asked[0]);
  bring(origin, asked[1]);
  fetch->tell_listeners();
  EXPECT_EQ(had[9], (std::set<std::uint32_t>{asked[0], asked[1]}));
  fetch->tell_all_chunks(10);
  EXPECT_EQ(had[10], had[9]);
}

TEST_F(FetchTest, NeedsNobodyForNothing) {
  object = Object(0);
  start({});
  EXPECT_EQ(fetch->state(), Fetch::State::done);
  object.table = std::make_shared<const ObjectTable>(ObjectTable{{{1, 1}, 0}, {}});
  start({});
  EXPECT_EQ(fetch->state(), Fetch::State::lost);
}

TEST_F(FetchTest, WritesOnlyWhatIsRight) {
  start({origin, 2});
  has_all(origin);
  const std::vector<std::byte> other(chunk_bytes);
  EXPECT_FALSE(fetch->take_chunk(origin, {object.id(), 0, other}, now));
  EXPECT_EQ(memory, std::vector<std::byte>(memory.size()));
}

TEST_F(FetchTest, FillsItsDestinationPartByPart) {
  std::set<std::size_t> filled;
  fill = [&](std::size_t offset, std::span<const std::byte> part) {
    EXPECT_TRUE(filled.insert(offset).second);
    std::copy(part.begin(), part.end(), memory.begin() + static_cast<std::ptrdiff_t>(offset));
    return 0;
  };
  start({origin});
  has_all(origin);
  for (std::uint32_t i = 0; i != object.table->chunks.size(); ++i) {
    EXPECT_TRUE(bring(origin, i));
    EXPECT_TRUE(bring(origin, i));
  }
  EXPECT_EQ(fetch->state(), Fetch::State::done);
  EXPECT_EQ(memory, *object.content);
}

TEST_F(FetchTest, EndsWhereItsDestinationIsFull) {
  int room = 2;
  fill = [&](std::size_t, std::span<const std::byte>) { return room-- > 0 ? 0 : ENOSPC; };
  start({origin});
  has_all(origin);
  bring(origin, 0);
  bring(origin, 1);
  EXPECT_EQ(fetch->state(), Fetch::State::running);
  bring(origin, 2);
  EXPECT_EQ(fetch->state(), Fetch::State::lost);
  EXPECT_FALSE(fetch->has(2));
  EXPECT_EQ(fetch->failure().code(), StatusCode::unavailable);
  EXPECT_NE(fetch->failure().message().find("No space left"), std::string::npos);
}

}  // namespace
}  // namespace paracord::cluster::data
