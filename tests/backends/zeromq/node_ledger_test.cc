#include "paracord/backends/zeromq/node_ledger.h"

#include "paracord/tests/backends/zeromq/link_fixture.h"

namespace paracord::cluster {
namespace {

class NodeLedgerTest : public testing::Test {
 protected:
  NodeLedgerTest() { link.begin(); }

  static NodeHello about() {
    NodeHello hello;
    hello.node = 20;
    return hello;
  }
  static NodeCall call(CallId id = 1) {
    NodeCall told{9, 9, {}};
    told.call.call = id;
    told.call.setup = bytes("setup");
    return told;
  }
  static Assign assignment(std::uint64_t counter, std::uint32_t count = 1, CallId call = 1) {
    return {9, {1, counter}, {counter, call, count, 0, bytes("tasks"), {}}, {}};
  }
  void assign(std::uint64_t counter, std::uint32_t count = 1) {
    link.say({call(), assignment(counter, count)});
  }
  void finish(std::uint64_t counter, std::vector<std::uint32_t> tasks) {
    const auto count = static_cast<std::uint32_t>(tasks.size());
    ledger.tasks_done({1, counter}, std::move(tasks), bytes("results"));
    ledger.batch_over({1, counter}, count, 5);
  }

  NodeLedger ledger{about()};
  Link<NodeLedger> link{ledger};
};

TEST_F(NodeLedgerTest, KeepsResultsUntilTheyAreAcknowledged) {
  assign(1, 2);
  finish(1, {0, 1});
  EXPECT_EQ(ledger.held_bytes(), 7u);
  link.say({Acknowledge{20, {1, 1}, {0}}});
  EXPECT_FALSE(ledger.is_empty());
  link.say({Acknowledge{20, {1, 1}, {1}}});
  EXPECT_TRUE(ledger.is_empty());
  EXPECT_EQ(ledger.held_bytes(), 0u);
  EXPECT_EQ(all_of<node::Release>(ledger.take_effects()).size(), 2u);
}

TEST_F(NodeLedgerTest, LetsGoOfAResultOnce) {
  assign(1, 2);
  finish(1, {0, 1});
  link.say({Acknowledge{20, {1, 1}, {0}}, Acknowledge{20, {1, 1}, {0}}});
  EXPECT_EQ(all_of<node::Release>(ledger.take_effects()).size(), 1u);
  EXPECT_FALSE(ledger.is_empty());
}

TEST_F(NodeLedgerTest, TellsANewSchedulerWhatItHolds) {
  assign(1);
  assign(2);
  finish(2, {0});
  ledger.have({{{1, 2}, 3}});
  link.hear();
  ledger.connected(link.now);
  const auto messages = link.hear();
  const auto hello = all<NodeHello>(messages).at(0);
  ASSERT_EQ(hello.held.size(), 2u);
  EXPECT_FALSE(hello.held[0].over);
  EXPECT_TRUE(hello.held[1].over);
  EXPECT_EQ(hello.objects.size(), 1u);
  EXPECT_EQ(all<Results>(messages).size(), 1u);
  EXPECT_EQ(all<BatchOver>(messages).size(), 1u);
}

TEST_F(NodeLedgerTest, RunsAnAssignmentOnce) {
  assign(1);
  assign(1);
  const auto effects = ledger.take_effects();
  EXPECT_EQ(all_of<node::Run>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::OpenCall>(effects).size(), 1u);
}

TEST_F(NodeLedgerTest, StopsWhatIsCancelledAndKeepsNothingOfIt) {
  assign(1, 2);
  ledger.tasks_done({1, 1}, {0}, bytes("results"));
  link.say({CancelAttempt{{1, 1}}});
  auto effects = ledger.take_effects();
  EXPECT_EQ(all_of<node::Stop>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::Release>(effects).size(), 1u);
  link.hear();
  ledger.tasks_done({1, 1}, {1}, bytes("results"));
  ledger.batch_over({1, 1}, 2, 5);
  const auto said = link.hear();
  EXPECT_TRUE(all<Results>(said).empty());
  EXPECT_EQ(all<BatchOver>(said).size(), 1u);
  EXPECT_TRUE(ledger.is_empty());
}

TEST_F(NodeLedgerTest, DoesNotRunWhatWasCancelledBefore) {
  link.say({CancelAttempt{{1, 1}}});
  assign(1);
  EXPECT_TRUE(all_of<node::Run>(ledger.take_effects()).empty());
  EXPECT_EQ(all<BatchOver>(link.hear()).at(0).next, 0u);
}

TEST_F(NodeLedgerTest, ForgetsOldTombstones) {
  for (std::uint64_t counter = 1; counter <= 5000; ++counter)
    link.say({CancelAttempt{{1, counter}}});
  assign(1);
  EXPECT_EQ(all_of<node::Run>(ledger.take_effects()).size(), 1u);
}

TEST_F(NodeLedgerTest, SendsAgainWhatItHoldsAndSaysWhatItDoesNot) {
  assign(1);
  finish(1, {0});
  link.hear();
  link.say({SendAgain{9, {{9, 1, {1, 1}, false}, {9, 2, {1, 2}, false}}}});
  const auto said = link.hear();
  EXPECT_EQ(all<Results>(said).size(), 1u);
  const auto overs = all<BatchOver>(said);
  ASSERT_EQ(overs.size(), 2u);
  EXPECT_EQ(overs[0].next, 1u);
  EXPECT_EQ(overs[1].next, 0u);
}

TEST_F(NodeLedgerTest, TakesATaskWithoutResultsForOneThatWasNotRun) {
  assign(1, 3);
  ledger.tasks_done({1, 1}, {0, 2}, bytes("results"));
  link.hear();
  ledger.batch_over({1, 1}, 3, 5);
  EXPECT_EQ(all<BatchOver>(link.hear()).at(0).next, 1u);
}

TEST_F(NodeLedgerTest, GivesBackWhatIsRetracted) {
  assign(1);
  link.say({Retract{{1, 1}}});
  EXPECT_EQ(all_of<node::GiveBack>(ledger.take_effects()).size(), 1u);
}

TEST_F(NodeLedgerTest, EndsCallsThatDoNotGoOnInTheNextSession) {
  link.say({call(1), call(2)});
  ledger.connected(link.now);
  link.hear();
  ledger.take_effects();
  link.say({Welcome{1, 0, 0}, call(2)});
  const auto effects = ledger.take_effects();
  ASSERT_EQ(all_of<node::EndCall>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::EndCall>(effects)[0].call, 1u);
  EXPECT_TRUE(all_of<node::OpenCall>(effects).empty());
}

TEST_F(NodeLedgerTest, EndsACallThatWasNotToldAgainWhenItsLastBatchHasGone) {
  assign(1);
  finish(1, {0});
  ledger.connected(link.now);
  link.hear();
  link.welcome(2);
  EXPECT_TRUE(all_of<node::EndCall>(ledger.take_effects()).empty());
  link.say({Acknowledge{20, {1, 1}, {0}}});
  EXPECT_EQ(all_of<node::EndCall>(ledger.take_effects()).size(), 1u);
}

TEST_F(NodeLedgerTest, TakesLentSlotsBackThatAreNotLentInTheNextSession) {
  assign(1);
  assign(2);
  link.say({Lend{{1, 1}, true}});
  ledger.connected(link.now);
  link.hear();
  ledger.take_effects();
  link.say({Welcome{1, 0, 0}, Lend{{1, 2}, true}});
  const auto lent = all_of<node::Lent>(ledger.take_effects());
  ASSERT_EQ(lent.size(), 2u);
  EXPECT_FALSE(lent[0].begins);
  EXPECT_TRUE(lent[1].begins);
}

TEST_F(NodeLedgerTest, LetsGoOfAllOfAClientThatHasGone) {
  assign(1);
  assign(2);
  finish(2, {0});
  ledger.take_effects();
  link.say({ClientGone{9}});
  const auto effects = ledger.take_effects();
  EXPECT_EQ(all_of<node::Stop>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::Release>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::EndCall>(effects).size(), 1u);
  EXPECT_EQ(all_of<node::EndClient>(effects).size(), 1u);
}

TEST_F(NodeLedgerTest, SaysThatItDrainsInItsHelloToo) {
  ledger.drain();
  EXPECT_EQ(all<Drain>(link.hear()).size(), 1u);
  ledger.connected(link.now);
  EXPECT_TRUE(all<NodeHello>(link.hear()).at(0).draining);
}

}  // namespace
}  // namespace paracord::cluster
