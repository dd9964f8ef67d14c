#include "paracord/backends/zeromq/client_ledger.h"

#include "paracord/tests/backends/zeromq/link_fixture.h"

namespace paracord::cluster {
namespace {

class ClientLedgerTest : public testing::Test {
 protected:
  static OpenCall call(CallId id, std::int32_t priority = 0) {
    OpenCall open;
    open.call = id;
    open.priority = priority;
    open.setup = bytes("setup");
    return open;
  }
  static Submit batch(BatchId id, std::uint32_t count = 1, std::string payload = "tasks",
                      CallId call = 1) {
    return {id, call, count, 0, bytes(std::move(payload)), {}};
  }
  Results results(BatchId id, std::vector<std::uint32_t> tasks, Attempt attempt = {1, 1}) {
    return {9, id, attempt, 20, std::move(tasks), bytes("results")};
  }
  // Welcome, with batch 1 assigned as attempt 1.1.
  void assign(std::uint32_t count = 1) {
    link.begin();
    ledger.open_call(call(1));
    ledger.submit(batch(1, count));
    link.hear();
    link.say({Assigned{1, {1, 1}, 20}});
  }

  ClientLedger ledger{{9, 9, 1, "me"}};
  Link<ClientLedger> link{ledger};
};

TEST_F(ClientLedgerTest, SubmitsOnlyOnceItIsWelcome) {
  ledger.open_call(call(1));
  ledger.submit(batch(1));
  ledger.connected(link.now);
  const auto hello = link.hear();
  EXPECT_EQ(all<ClientHello>(hello).at(0).calls.size(), 1u);
  EXPECT_TRUE(all<Submit>(hello).empty());
  link.welcome();
  EXPECT_EQ(all<Submit>(link.hear()).size(), 1u);
}

TEST_F(ClientLedgerTest, TellsWhatIsSaidOfNodesThatCannotBeReached) {
  link.begin();
  (void)ledger.take_effects();
  link.say({Welcome{1, 0, 0, "tcp://*:7712", 30}});
  const auto effects = ledger.take_effects();
  EXPECT_EQ(all_of<client::UseRelay>(effects).at(0).address, "tcp://*:7712");
  EXPECT_EQ(all_of<client::NodesAreLostAfter>(effects).at(0).silence, Time(30));
}

TEST_F(ClientLedgerTest, HoldsBackWhatTheQueueHasNoRoomFor) {
  link.begin(1, 1000);
  ledger.open_call(call(1));
  for (BatchId id = 1; id <= 4; ++id) ledger.submit(batch(id, 1, std::string(400, 'x')));
  EXPECT_EQ(all<Submit>(link.hear()).size(), 2u);
  link.say({Assigned{1, {1, 1}, 20}});
  EXPECT_EQ(all<Submit>(link.hear()).size(), 1u);
}

TEST_F(ClientLedgerTest, SendsOneBatchThatIsLargerThanTheQueue) {
  link.begin(1, 100);
  ledger.open_call(call(1));
  ledger.submit(batch(1, 1, std::string(400, 'x')));
  ledger.submit(batch(2));
  EXPECT_EQ(all<Submit>(link.hear()).size(), 1u);
}

TEST_F(ClientLedgerTest, SendsHigherPrioritiesFirstOfWhatWasHeldBack) {
  ledger.open_call(call(1));
  ledger.open_call(call(2, 5));
  ledger.submit(batch(1));
  ledger.submit(batch(2, 1, "tasks", 2));
  link.begin();
  EXPECT_EQ(all<Submit>(link.hear()).at(0).batch, 2u);
}

TEST_F(ClientLedgerTest, HandsEachResultOverOnce) {
  assign(3);
  link.say({results(1, {0, 1})});
  link.say({results(1, {1, 2})});
  const auto arrived = all_of<client::Arrived>(ledger.take_effects());
  ASSERT_EQ(arrived.size(), 2u);
  EXPECT_EQ(arrived[1].tasks, std::vector<std::uint32_t>{2});
}

TEST_F(ClientLedgerTest, AcknowledgesWhatWasKeptOnly) {
  assign(2);
  link.say({results(1, {0, 1})});
  EXPECT_TRUE(all<Acknowledge>(link.hear()).empty());
  ledger.keep_result(1, 1);
  const auto acknowledged = all<Acknowledge>(link.hear());
  ASSERT_EQ(acknowledged.size(), 1u);
  EXPECT_EQ(acknowledged[0].tasks, std::vector<std::uint32_t>{1});
  EXPECT_EQ(acknowledged[0].node, 20u);
}

// A packet wakes three threads; nobody waits for these.
TEST_F(ClientLedgerTest, LetsTheNextBatchTakeWhatCanWait) {
  assign(2);
  link.hear();
  link.say({results(1, {0, 1}), BatchOver{9, 1, {1, 1}, 2, 0, ""}});
  ledger.keep_result(1, 0);
  ledger.keep_result(1, 1);
  EXPECT_LE(ledger.next_deadline(), link.now);  // its owner waits for this:
  EXPECT_EQ(all_of<client::Over>(ledger.take_effects()).size(), 1u);
  ledger.close_call(1);
  ledger.open_call(call(2));
  EXPECT_TRUE(link.hear_now().empty());
  EXPECT_GT(ledger.next_deadline(), link.now);
  ledger.submit(batch(2, 1, "tasks", 2));
  EXPECT_LE(ledger.next_deadline(), link.now);
  const auto said = link.hear_now();
  EXPECT_EQ(all<Acknowledge>(said).size(), 1u);
  EXPECT_EQ(all<CloseCall>(said).size(), 1u);
  EXPECT_EQ(all<OpenCall>(said).size(), 1u);
  EXPECT_EQ(all<Submit>(said).size(), 1u);
}

TEST_F(ClientLedgerTest, AsksForANestedCallAtOnce) {
  link.begin();
  OpenCall nested = call(1);
  nested.nesting_level = 1;
  ledger.open_call(nested);
  EXPECT_EQ(all<OpenCall>(link.hear_now()).size(), 1u);
}

TEST_F(ClientLedgerTest, AcknowledgesAgainWhatComesAgain) {
  assign(2);
  link.say({results(1, {0})});
  ledger.keep_result(1, 0);
  link.hear();
  link.say({results(1, {0})});
  EXPECT_EQ(all<Acknowledge>(link.hear()).size(), 1u);
}

TEST_F(ClientLedgerTest, LetsNodesGoOfResultsOfOtherAttempts) {
  assign();
  link.say({results(1, {0}, {1, 2})});
  EXPECT_TRUE(all_of<client::Arrived>(ledger.take_effects()).empty());
  EXPECT_EQ(all<Acknowledge>(link.hear()).at(0).attempt, (Attempt{1, 2}));
}

TEST_F(ClientLedgerTest, IsOverWhenAllIsKept) {
  assign(2);
  link.say({results(1, {0, 1}), BatchOver{9, 1, {1, 1}, 2, 77, {}}});
  ledger.keep_result(1, 0);
  EXPECT_TRUE(all_of<client::Over>(ledger.take_effects()).empty());
  ledger.keep_result(1, 1);
  const auto over = all_of<client::Over>(ledger.take_effects());
  ASSERT_EQ(over.size(), 1u);
  EXPECT_TRUE(over[0].missing.empty());
  EXPECT_EQ(over[0].ran_nanoseconds, 77);
}

TEST_F(ClientLedgerTest, WaitsForResultsThatWereLostBeforeTheEnd) {
  assign(2);
  link.say({results(1, {0})});
  ledger.keep_result(1, 0);
  link.say({BatchOver{9, 1, {1, 1}, 2, 77, {}}});
  EXPECT_TRUE(all_of<client::Over>(ledger.take_effects()).empty());
  link.say({results(1, {1})});
  ledger.keep_result(1, 1);
  EXPECT_EQ(all_of<client::Over>(ledger.take_effects()).size(), 1u);
}

TEST_F(ClientLedgerTest, GetsTasksBackThatWereNotRun) {
  assign(3);
  link.say({results(1, {0}), BatchOver{9, 1, {1, 1}, 1, 77, {}}});
  ledger.keep_result(1, 0);
  const auto over = all_of<client::Over>(ledger.take_effects());
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].missing, (std::vector<std::uint32_t>{1, 2}));
  EXPECT_EQ(over[0].losses, 0u);
}

TEST_F(ClientLedgerTest, CountsTheNodesThatWereLostWithABatch) {
  assign();
  link.say({Returned{1, {1, 1}, 0, true, {}}});
  EXPECT_EQ(all_of<client::Over>(ledger.take_effects()).at(0).losses, 1u);
}

TEST_F(ClientLedgerTest, TakesADroppedResultForATaskThatWasNotRun) {
  assign(2);
  link.say({results(1, {0, 1}), BatchOver{9, 1, {1, 1}, 2, 77, {}}});
  ledger.keep_result(1, 0);
  ledger.drop_result(1, 1);
  const auto over = all_of<client::Over>(ledger.take_effects());
  ASSERT_EQ(over.size(), 1u);
  EXPECT_EQ(over[0].missing, std::vector<std::uint32_t>{1});
}

TEST_F(ClientLedgerTest, EndsCancelledBatchesAtOnceAndLetsLateResultsGo) {
  assign(2);
  ledger.take_effects();
  ledger.cancel_call(1);
  EXPECT_EQ(all_of<client::Over>(ledger.take_effects()).at(0).missing.size(), 2u);
  EXPECT_EQ(all<CancelCall>(link.hear()).size(), 1u);
  link.say({results(1, {0})});
  EXPECT_TRUE(ledger.take_effects().empty());
  EXPECT_EQ(all<Acknowledge>(link.hear()).size(), 1u);
}

// A thread that sends may be overtaken by one that ends the call: the scheduler bans whoever
// submits to a call that it does not know.
TEST_F(ClientLedgerTest, EndsABatchOfACallThatWasCancelledOrClosedMeanwhile) {
  assign(2);
  ledger.cancel_call(1);
  ledger.take_effects();
  for (const BatchId late : {2, 3}) {
    Submit submit = batch(late);
    submit.count = 2;
    ledger.submit(std::move(submit));
    const auto over = all_of<client::Over>(ledger.take_effects());
    ASSERT_EQ(over.size(), 1u);
    EXPECT_EQ(over[0].batch, late);
    EXPECT_EQ(over[0].missing, (std::vector<std::uint32_t>{0, 1}));
    EXPECT_TRUE(all<Submit>(link.hear()).empty());
    ledger.close_call(1);
  }
  ledger.connected(link.now);
  EXPECT_TRUE(all<ClientHello>(link.hear()).at(0).expected.empty());
}

TEST_F(ClientLedgerTest, TellsANewSchedulerAllThatItExpects) {
  assign();
  ledger.submit(batch(2));
  ledger.waiting(1, true);
  ledger.to_come(1, 50);
  link.say({NodeJoined{{20, "node", "address", ""}}});
  link.hear();
  ledger.connected(link.now);
  const auto messages = link.hear();
  const auto hello = all<ClientHello>(messages).at(0);
  ASSERT_EQ(hello.expected.size(), 2u);
  EXPECT_EQ(hello.expected[0].attempt, (Attempt{1, 1}));
  EXPECT_EQ(hello.expected[1].attempt, Attempt{});
  EXPECT_EQ(hello.known_nodes, std::vector<PeerId>{20});
  EXPECT_EQ(hello.known_epoch, 1u);
  EXPECT_EQ(all<Submit>(messages).at(0).batch, 2u);
  EXPECT_EQ(all<Waiting>(messages).size(), 1u);
  EXPECT_EQ(all<ToCome>(messages).at(0).tasks, 50u);
}

TEST_F(ClientLedgerTest, StillExpectsBatchesWhoseResultsItFetches) {
  assign();
  link.say({results(1, {0}), BatchOver{9, 1, {1, 1}, 1, 77, {}}});
  ledger.connected(link.now);
  EXPECT_EQ(all<ClientHello>(link.hear()).at(0).expected.size(), 1u);
}

TEST_F(ClientLedgerTest, IsTellingOfNodesOnce) {
  link.begin();
  const NodeJoined joined{{20, "node", "address", ""}};
  link.say({joined, joined});
  EXPECT_EQ(all_of<client::DialNode>(ledger.take_effects()).size(), 1u);
  link.say({NodeGone{20, "gone"}, NodeGone{20, "gone"}});
  EXPECT_EQ(all_of<client::ForgetNode>(ledger.take_effects()).size(), 1u);
}

}  // namespace
}  // namespace paracord::cluster
