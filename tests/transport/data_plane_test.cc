// Objects between planes, on real sockets: what holds while all goes well, and with many at a time.

#include "paracord/transport/data_plane.h"

#include <gtest/gtest.h>

#include <list>
#include <thread>

#include "paracord/tests/transport/planes.h"

namespace paracord::cluster::test {
namespace {

TEST(DataPlane, BringsObjectsOfAllSizes) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  for (const std::size_t bytes :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{8}, chunk_bytes - 1,
        chunk_bytes, chunk_bytes + 1, 5 * chunk_bytes + 4099, 20 * mebibyte}) {
    SCOPED_TRACE(bytes);
    const Object object(bytes);
    source.offer(object);
    Fetched fetched = sink.fetch(object.id(), {1});
    expect_arrived(fetched, object);
  }
  EXPECT_EQ(sink->counters().fetches, 9u);
  EXPECT_EQ(sink->counters().received_bytes, source->counters().sent_bytes);
}

TEST(DataPlane, BringsMemoryThatIsNotAligned) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  const Object whole(3 * mebibyte + 11);
  const std::span part(whole.content->data() + 3, whole.content->size() - 3);
  const auto table = name_object(part);
  source->offer(table, part.data(), whole.content);
  Fetched fetched = sink.fetch(table->id, {1});
  ASSERT_TRUE(fetched.wait().ok()) << fetched.wait().message();
  EXPECT_EQ(std::memcmp(fetched.memory->data(), part.data(), part.size()), 0);
}

// What a source answers to thousands of questions does not fit into its connection's queue at once.
TEST(DataPlane, LosesNothingOfManySmallObjects) {
  Peer client(1, false), node(2);
  client.options.silence = node.options.silence = std::chrono::minutes(5);
  node.start();
  client.start()->dial(node.node());
  std::vector<Object> objects;
  std::vector<Fetched> fetched;
  for (unsigned i = 0; i != 10'000; ++i) {
    objects.emplace_back(8, i);
    client.offer(objects.back());
  }
  for (const Object& object : objects) fetched.push_back(node.fetch(object.id(), {1}));
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  for (const Fetched& one : fetched) {
    while (!one.is_told() && std::chrono::steady_clock::now() < end)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    ASSERT_TRUE(one.is_told());
  }
  for (std::size_t i = 0; i != objects.size(); ++i) expect_arrived(fetched[i], objects[i]);
}

// They wait for their turn behind those of the same origin, and for those alone.
TEST(DataPlane, KeepsWaitingFetchesApartByTheirOrigin) {
  Peer source(1), sink(2);
  sink.options.silence = std::chrono::minutes(5);
  source.start();
  sink.start()->dial(source.node());
  std::vector<Fetched> stalled;  // peer 9 is nowhere
  std::vector<Object> never;
  for (unsigned i = 0; i != 2'000; ++i) never.emplace_back(8, 100'000 + i);
  for (const Object& object : never) stalled.push_back(sink.fetch(object.id(), {9}));
  const Object object(5 * chunk_bytes);
  source.offer(object);
  Fetched fetched = sink.fetch(object.id(), {1});
  expect_arrived(fetched, object);
  // One that waits can be called off, and may find another source while it waits.
  sink->cancel_fetch(never[1'500].id());
  EXPECT_EQ(stalled[1'500].wait().code(), StatusCode::cancelled);
  source.offer(never[1'500]);
  Fetched anew = sink.fetch(never[1'500].id(), {1});
  expect_arrived(anew, never[1'500]);
  source.offer(never[1'999]);
  sink->add_source(never[1'999].id(), 1);
  for (std::size_t i = 0; i != 1'999; ++i) sink->cancel_fetch(never[i].id());
  expect_arrived(stalled[1'999], never[1'999]);
}

TEST(DataPlane, EndsWhatWaitsForAPeerThatIsGone) {
  Peer sink(2);
  sink.options.silence = std::chrono::minutes(5);
  sink.start();
  std::vector<Fetched> fetched;
  for (unsigned i = 0; i != 2'000; ++i) fetched.push_back(sink.fetch(Object(8, i).id(), {9}));
  sink->forget(9);
  for (Fetched& one : fetched) EXPECT_EQ(one.wait().code(), StatusCode::lost);
}

TEST(DataPlane, HurriesWhatOthersWaitFor) {
  Peer source(1), middle(2), sink(3, false);
  middle.options.silence = std::chrono::minutes(5);
  source.start();
  middle.start()->dial(source.node());
  sink.start()->dial(middle.node());
  std::vector<Fetched> stalled;
  for (unsigned i = 0; i != 2'000; ++i) stalled.push_back(middle.fetch(Object(8, i).id(), {9}));
  const Object object(5 * chunk_bytes, 5'000);
  source.offer(object);
  Fetched waits = middle.fetch(object.id(), {9, 1});
  Fetched fetched = sink.fetch(object.id(), {2});
  expect_arrived(waits, object);
  middle.offer(object);
  expect_arrived(fetched, object);
}

TEST(DataPlane, FetchesOfThoseWhoHaveDialled) {
  Peer client(1, false), node(2);
  node.start();
  client.start()->dial(node.node());
  const Object object(9 * mebibyte);
  client.offer(object);
  Fetched fetched = node.fetch(object.id(), {1});
  expect_arrived(fetched, object);
}

TEST(DataPlane, EncryptsAndAsksWhoMayComeIn) {
  const KeyPair welcome = make_key_pair(), stranger = make_key_pair();
  Peer source(1, true, make_key_pair()), sink(2, false, welcome), other(3, false, stranger);
  source.options.admits = [&](std::string_view key) { return key == welcome.public_key; };
  source.start();
  sink.start()->dial(source.node());
  other.start()->dial(source.node());
  const Object object(5 * mebibyte);
  source.offer(object);
  Fetched fetched = sink.fetch(object.id(), {1});
  expect_arrived(fetched, object);
  Fetched refused = other.fetch(object.id(), {1});
  EXPECT_EQ(refused.wait().code(), StatusCode::lost);
  EXPECT_NE(refused.wait().message().find("cannot be connected to"), std::string::npos)
      << refused.wait().message();
}

TEST(DataPlane, SaysThatAKeyIsWrongOrMissing) {
  Peer source(1, true, make_key_pair()), wrong(2, false, make_key_pair()), none(3, false);
  source.start();
  NodeAddress node = source.node();
  node.data_key = make_key_pair().public_key;
  wrong.start()->dial(node);
  node.data_key.clear();
  none.start()->dial(node);
  const Object object(100);
  source.offer(object);
  for (Peer* peer : {&wrong, &none}) {
    Fetched refused = peer->fetch(object.id(), {1});
    EXPECT_EQ(refused.wait().code(), StatusCode::lost);
    EXPECT_NE(refused.wait().message().find("key"), std::string::npos) << refused.wait().message();
  }
}

TEST(DataPlane, RecoversFromAHandshakeThatFailed) {
  const KeyPair keys = make_key_pair();
  std::atomic<bool> known{false};
  Peer source(1, true, make_key_pair()), sink(2, false, keys);
  source.options.admits = [&](std::string_view) { return known.load(); };
  source.start();
  const Object object(mebibyte);
  source.offer(object);
  sink.start()->dial(source.node());
  Fetched refused = sink.fetch(object.id(), {1});
  EXPECT_FALSE(refused.wait().ok());
  known.store(true);
  // Refused a while longer, until it has been tried again.
  for (bool arrived = false; !arrived;) {
    Fetched fetched = sink.fetch(object.id(), {1});
    arrived = fetched.wait().ok();
  }
}

TEST(DataPlane, SaysThatAnAddressCannotBeDialled) {
  Peer sink(2, false);
  sink.start()->dial({1, "node1", "tcp://", ""});
  Fetched fetched = sink.fetch(Object(10).id(), {1});
  EXPECT_EQ(fetched.wait().code(), StatusCode::lost);
  EXPECT_NE(fetched.wait().message().find("node1 cannot be dialled"), std::string::npos);
}

TEST(DataPlane, PassesOverWhoDoesNotHaveIt) {
  Peer empty(1), source(2), sink(3);
  empty.start();
  source.start();
  sink.start()->dial(empty.node());
  sink->dial(source.node());
  const Object object(5 * mebibyte);
  source.offer(object);
  Fetched fetched = sink.fetch(object.id(), {1, 2});
  expect_arrived(fetched, object);
  Fetched lost = sink.fetch(Object(100, 7).id(), {1, 2});
  EXPECT_EQ(lost.wait().code(), StatusCode::lost);
  EXPECT_NE(lost.wait().message().find("not here"), std::string::npos);
}

TEST(DataPlane, TakesChunksOfSeveralSources) {
  Peer origin(1), first(2), second(3), sink(4);
  const Object object(40 * mebibyte);
  for (Peer* peer : {&origin, &first, &second}) {
    peer->start();
    peer->offer(object);
  }
  sink.start();
  for (Peer* peer : {&origin, &first, &second}) sink->dial(peer->node());
  // A first fetch, so that all are connected.
  const Object small(100);
  for (Peer* peer : {&origin, &first, &second}) {
    peer->offer(small);
    Fetched fetched = sink.fetch(small.id(), {peer->options.self});
    expect_arrived(fetched, small);
  }
  Fetched fetched = sink.fetch(object.id(), {1, 2, 3});
  expect_arrived(fetched, object);
  // How much each gives depends on how fast it is; one that gets no CPU now gives nothing.
  EXPECT_GT(first->counters().sent_bytes + second->counters().sent_bytes, 8 * mebibyte);
}

TEST(DataPlane, SendsAnObjectToManyAboutOnce) {
  constexpr PeerId sinks = 4;
  const Object object(128 * mebibyte);
  Peer origin(1);
  origin.start();
  origin.offer(object);
  std::list<Peer> peers;
  for (PeerId id = 2; id != 2 + sinks; ++id) peers.emplace_back(id).start()->dial(origin.node());
  std::vector<PeerId> sources{1};
  for (Peer& peer : peers) {
    sources.push_back(peer.options.self);
    for (Peer& other : peers) {
      if (&other != &peer) peer->dial(other.node());
    }
  }
  std::list<Fetched> all;
  for (PeerId id = 0; id != sinks; ++id) all.emplace_back(object.id());
  auto fetched_by = peers.begin();
  for (Fetched& fetched : all) {
    (*fetched_by++)->fetch(object.id(), fetched.destination(), sources, fetched.teller());
  }
  auto peer = peers.begin();
  for (Fetched& fetched : all) {
    expect_arrived(fetched, object);
    (*peer++)->offer(object.table, fetched.memory->data(), fetched.memory);
  }
  const double times = double(origin->counters().sent_bytes) / double(object.id().bytes);
  RecordProperty("times", std::to_string(times));
  EXPECT_LE(times, 1.3);
}

TEST(DataPlane, CancelsAtOnce) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  const Object object(30 * mebibyte);
  source.offer(object);
  Fetched fetched = sink.fetch(object.id(), {1});
  sink->cancel_fetch(object.id());
  ASSERT_TRUE(fetched.is_told());
  const Status first = fetched.wait();
  EXPECT_TRUE(first.ok() || first.code() == StatusCode::cancelled);
  const auto before = *fetched.memory;
  // And can be fetched again.
  Fetched again = sink.fetch(object.id(), {1});
  expect_arrived(again, object);
  EXPECT_TRUE(before == *fetched.memory);
  sink->cancel_fetch(object.id());
}

// Who is told of one may call off others that have ended in the same moment.
TEST(DataPlane, EndsEachFetchOnceWhoeverCancelsIt) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  std::vector<Object> objects;
  for (unsigned i = 0; i != 300; ++i) source.offer(objects.emplace_back(8, i));
  std::vector<std::atomic<int>> told(objects.size());
  std::atomic<std::size_t> ends{0};
  detail::Event event;
  for (std::size_t i = 0; i != objects.size(); ++i) {
    Fetched fetched(objects[i].id());
    sink->fetch(objects[i].id(), fetched.destination(), {1}, [&, i](Status, const auto&) {
      ++told[i];
      if (i + 1 != objects.size()) sink->cancel_fetch(objects[i + 1].id());
      ++ends;
      event.notify();
    });
  }
  event.wait([&] { return ends.load() == objects.size(); });
  for (const std::atomic<int>& times : told) EXPECT_EQ(times.load(), 1);
}

TEST(DataPlane, RefusesASecondFetchOfTheSameObject) {
  Peer sink(2);
  sink.start();
  const Object object(100);
  Fetched first = sink.fetch(object.id(), {1});
  Fetched second = sink.fetch(object.id(), {1});
  EXPECT_EQ(second.wait().code(), StatusCode::invalid_argument);
  sink->cancel_fetch(object.id());
  EXPECT_EQ(first.wait().code(), StatusCode::cancelled);
}

TEST(DataPlane, EndsWhenItsLastSourceIsForgotten) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  Fetched fetched = sink.fetch(Object(100).id(), {9});
  sink->forget(9);
  EXPECT_EQ(fetched.wait().code(), StatusCode::lost);
}

TEST(DataPlane, WithdrawsWhileItIsSent) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  const Object object(60 * mebibyte);
  auto memory = std::make_unique<std::vector<std::byte>>(*object.content);
  source->offer(object.table, memory->data(), nullptr);
  Fetched fetched = sink.fetch(object.id(), {1});
  source->withdraw(object.id());
  memory.reset();  // nobody reads it any more
  const Status status = fetched.wait();
  EXPECT_TRUE(status.ok() || status.code() == StatusCode::lost) << status.message();
}

TEST(DataPlane, ReportsMemoryThatHasChanged) {
  detail::Guarded<std::vector<ObjectId>> changed;
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  const Object object(6 * mebibyte);
  source->on_changed(
      [&](const ObjectId& id) { changed.with([&](auto& all) { all.push_back(id); }); });
  source.offer(object);
  object.content->at(3 * mebibyte) ^= std::byte{1};
  Fetched fetched = sink.fetch(object.id(), {1});
  EXPECT_EQ(fetched.wait().code(), StatusCode::lost);
  EXPECT_NE(fetched.wait().message().find("changed"), std::string::npos);
  EXPECT_EQ(changed.with([](auto& all) { return all.at(0); }), object.id());
  EXPECT_GE(source->counters().chunks_refused, 1u);
}

// What one thread has offered is there for whoever is told of it next.
TEST(DataPlane, OffersBeforeItAnswers) {
  Peer source(1), sink(2);
  source.start();
  sink.start()->dial(source.node());
  for (unsigned i = 0; i != 200; ++i) {
    const Object object(1 + i, i);
    source.offer(object);
    Fetched fetched = sink.fetch(object.id(), {1});
    expect_arrived(fetched, object);
  }
}

TEST(DataPlane, AnswersWhoAsksBetweenFetchAndOffer) {
  Peer origin(1), middle(2), sink(3);
  origin.start();
  middle.start()->dial(origin.node());
  sink.start()->dial(middle.node());
  const Object object(4 * mebibyte);
  origin.offer(object);
  Fetched first = middle.fetch(object.id(), {1});
  expect_arrived(first, object);
  Fetched second = sink.fetch(object.id(), {2});
  middle->offer(first.table(), first.memory->data(), first.memory);
  expect_arrived(second, object);
}

// It was here, and is fetched once more in place of being offered.
TEST(DataPlane, AnswersWhoAskedBeforeItCameAgain) {
  Peer origin(1), middle(2), sink(3);
  sink.options.silence = std::chrono::minutes(5);
  origin.start();
  middle.start()->dial(origin.node());
  sink.start()->dial(middle.node());
  const Object object(4 * mebibyte), small(8);
  origin.offer(object);
  middle.offer(small);
  Fetched first = middle.fetch(object.id(), {1});
  expect_arrived(first, object);
  Fetched second = sink.fetch(object.id(), {2});
  Fetched behind = sink.fetch(small.id(), {2});
  expect_arrived(behind, small);
  Fetched again = middle.fetch(object.id(), {1});
  expect_arrived(again, object);
  middle->offer(again.table(), again.memory->data(), again.memory);
  expect_arrived(second, object);
}

}  // namespace
}  // namespace paracord::cluster::test
