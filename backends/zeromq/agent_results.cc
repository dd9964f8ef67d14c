// NodeAgent: results, from the workers to their clients.

#include <utility>

#include "paracord/backends/zeromq/agent_state.h"

namespace paracord::cluster {

namespace {

// One message holds no more, so that others' come between.
constexpr std::size_t most_record_bytes = std::size_t{1} << 20;
// Of the memory that the store may take.
constexpr std::size_t part_of_results = 2;

}  // namespace

void NodeAgent::State::task_ended(EndedTask task) {
  const auto found = running.find(task.attempt);
  if (found == running.end()) return;
  ++tasks_done;
  if (task.record.end != TaskEnd::result) {
    workers_lost += task.record.end == TaskEnd::worker_lost;
    const CallKey& key = found->second.call;
    ledger.failed(key.first, calls.at(key)->about().call.label, std::move(task.trouble));
  }
  if (task.memory.empty()) return named(std::move(task), {});
  // Reading all of it takes a while.
  ++found->second.unnamed;
  const auto shared = std::make_shared<EndedTask>(std::move(task));
  background->run([this, shared] {
    std::vector<std::shared_ptr<const ObjectTable>> names;
    for (const ResultMemory& memory : shared->memory)
      names.push_back(name_object({memory.data, memory.bytes}));
    post([this, shared, names = std::move(names)]() mutable {
      const Attempt attempt = shared->attempt;
      named(std::move(*shared), std::move(names));
      const auto one = running.find(attempt);
      if (one != running.end() && --one->second.unnamed == 0 && one->second.over)
        finish(attempt, one->second.refusal);
    });
  });
}

void NodeAgent::State::named(EndedTask task,
                             std::vector<std::shared_ptr<const ObjectTable>> names) {
  const auto one = running.find(task.attempt);
  if (one == running.end()) return;
  KeptResult result{one->second.call, {}};
  for (std::size_t i = 0; i != names.size(); ++i) {
    task.record.objects.push_back(names[i]->id);
    result.objects.push_back(
        offers.add(names[i], task.memory[i].data, std::move(task.memory[i].owner)));
  }
  if (!result.objects.empty()) {
    for (const auto& offer : result.objects) kept_bytes[result.call] += offer.object().bytes;
    kept.emplace(std::pair(task.attempt, task.record.task), std::move(result));
  }
  RecordWriter& writer = records[task.attempt];
  writer.add(std::move(task.record), std::as_bytes(std::span(task.body)));
  if (writer.bytes() >= most_record_bytes) write_results();
}

// Results lie in shared memory beside the store's objects; the clients behind share a part of it.
bool NodeAgent::State::is_full(const CallKey& key) const {
  const auto bytes = kept_bytes.find(key);
  if (bytes == kept_bytes.end()) return false;
  return bytes->second > store.memory_limit() / part_of_results / kept_bytes.size();
}

void NodeAgent::State::write_results() {
  for (auto& [attempt, writer] : records) {
    if (writer.empty()) continue;
    std::vector<std::uint32_t> tasks = writer.tasks();
    ledger.tasks_done(attempt, std::move(tasks),
                      std::make_shared<const std::string>(writer.take()));
  }
  records.clear();
}

void NodeAgent::State::release(const Attempt& attempt, std::uint32_t task) {
  const auto result = kept.extract({attempt, task});
  if (result.empty()) return;
  const auto bytes = kept_bytes.find(result.mapped().call);
  for (const auto& offer : result.mapped().objects) bytes->second -= offer.object().bytes;
  if (bytes->second == 0) kept_bytes.erase(bytes);
  pump_due = true;
}

}  // namespace paracord::cluster
