#include "paracord/backends/zeromq/node_batches.h"

#include <algorithm>

namespace paracord::cluster {

void NodeLedger::State::say_hello() {
  NodeHello hello = about;
  hello.known_epoch = link.known_epoch();
  for (const auto& [attempt, batch] : batches)
    hello.held.push_back({batch.client, batch.batch, attempt, batch.over});
  hello.objects.assign(objects.begin(), objects.end());
  for (auto& [id, call] : calls) call.confirmed = false;
  for (auto& [attempt, confirmed] : lent) confirmed = false;
  link.say_hello(std::move(hello));
  for (const auto& [attempt, batch] : batches) {
    for (const auto& [order, results] : batch.kept) say_results(attempt, batch, results);
    if (batch.over) say_over(attempt, batch);
  }
}

void NodeLedger::State::say_results(const Attempt& attempt, const NodeBatch& batch,
                                    const KeptResults& results) {
  link.say(Results{batch.client, batch.batch, attempt, about.node, results.tasks, results.payload});
}

void NodeLedger::State::say_over(const Attempt& attempt, const NodeBatch& batch) {
  link.say(BatchOver{batch.client, batch.batch, attempt, batch.next, batch.ran_nanoseconds,
                     batch.refusal});
}

void NodeLedger::State::release_all(const Attempt& attempt, NodeBatch& batch) {
  for (const auto& [order, results] : batch.kept) {
    held_bytes -= results.payload->size();
    for (const std::uint32_t task : results.tasks) {
      if (batch.unacknowledged.erase(task)) effects.push_back(node::Release{attempt, task});
    }
  }
  batch.kept.clear();
}

void NodeLedger::State::forget_if_done(const Attempt& attempt) {
  const auto found = batches.find(attempt);
  if (found == batches.end() || !found->second.over || !found->second.kept.empty()) return;
  const std::pair call{found->second.client, found->second.call};
  batches.erase(found);
  if (const auto entry = calls.find(call); entry != calls.end()) {
    --entry->second.batches;
    if (!entry->second.confirmed && link.is_welcome() && entry->second.batches == 0)
      end_call(call.first, call.second);
  }
}

void NodeLedger::State::cancel(const Attempt& attempt) {
  const auto found = batches.find(attempt);
  if (found == batches.end()) return;
  NodeBatch& batch = found->second;
  release_all(attempt, batch);
  if (!batch.over && !batch.cancelled) effects.push_back(node::Stop{attempt});
  batch.cancelled = true;
  forget_if_done(attempt);
}

void NodeLedger::State::end_lent(const Attempt& attempt) {
  if (lent.erase(attempt) != 0) effects.push_back(node::Lent{attempt, false});
}

void NodeLedger::State::end_call(PeerId client, CallId call) {
  if (calls.erase({client, call}) != 0) effects.push_back(node::EndCall{client, call});
}

// The packet of the Welcome says what goes on.
void NodeLedger::State::end_what_is_not_lent(const std::vector<Message>& welcome) {
  for (const Message& message : welcome) {
    const auto* const lend = std::get_if<Lend>(&message);
    if (lend == nullptr || !lend->begins) continue;
    if (const auto found = lent.find(lend->attempt); found != lent.end()) found->second = true;
  }
  std::vector<Attempt> ended;
  for (const auto& [attempt, confirmed] : lent) {
    if (!confirmed) ended.push_back(attempt);
  }
  for (const Attempt& attempt : ended) end_lent(attempt);
}

void NodeLedger::State::end_what_was_not_confirmed() {
  std::vector<std::pair<PeerId, CallId>> ended;
  for (const auto& [id, call] : calls) {
    if (!call.confirmed && call.batches == 0) ended.push_back(id);
  }
  for (const auto& [client, call] : ended) end_call(client, call);
}

}  // namespace paracord::cluster
