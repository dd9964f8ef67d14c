#include "paracord/backends/zeromq/agent_batch.h"

#include <cstring>

#include "paracord/core/errors.h"
#include "paracord/core/huge_pages.h"
#include "paracord/core/remote_error.h"

namespace paracord::cluster {

namespace {

// A larger body goes through the data plane.
constexpr std::size_t largest_inline_result = std::size_t{16} << 10;

std::string bytes_left(Decoder& in) {
  const std::size_t bytes = in.left();
  return {reinterpret_cast<const char*>(in.take(bytes)), bytes};
}

void make_large_body_an_object(EndedTask& task) {
  if (task.body.size() <= largest_inline_result) return;
  detail::expect_large_blocks();
  const auto body = std::make_shared<const std::string>(std::exchange(task.body, {}));
  task.memory.push_back({reinterpret_cast<const std::byte*>(body->data()), body->size(), body});
  task.record.body_is_object = true;
}

void put_writes_first(EndedTask& task, std::string writes) {
  if (writes.empty()) return;
  task.record.writes_bytes = writes.size();
  writes.resize(task.record.result_begin());
  writes += task.body;
  task.body = std::move(writes);
}

}  // namespace

AgentBatch::AgentBatch(Assign assign, std::string host, bool timed, OnEnded on_ended)
    : assign_(std::move(assign)),
      host_(std::move(host)),
      timed_(timed),
      on_ended_(std::move(on_ended)),
      payload_object_(referred_payload(*assign_.batch.payload)) {
  over_.with([&](std::vector<bool>& over) { over.assign(assign_.batch.count, false); });
  left_ = assign_.batch.count;
}

void AgentBatch::open(std::span<const std::byte> payload, std::shared_ptr<const void> owner) {
  payload_owner_ = std::move(owner);
  payload_.emplace(payload, assign_.batch);
  first_reference_.assign(assign_.batch.count + 1, 0);
  const std::vector<ReferencePlace>& references = payload_->contents.references;
  std::size_t next = 0;
  for (std::size_t task = 0; task != first_reference_.size(); ++task) {
    while (next != references.size() && references[next].task < task) ++next;
    first_reference_[task] = next;
  }
}

std::uint32_t AgentBatch::next() {
  return over_.with([](const std::vector<bool>& over) {
    std::uint32_t first = 0;
    while (first != over.size() && over[first]) ++first;
    return first;
  });
}

std::size_t AgentBatch::place_of(std::size_t index) const {
  return payload_->contents.tasks[index].begin % Encoder::memory_alignment;
}

bool AgentBatch::encode(std::size_t index, Encoder& out) noexcept {
  try {
    encode_task(index, out);
    return true;
  } catch (const std::exception& error) {
    EndedTask task = ended(index, TaskEnd::failed, RemoteRun{});
    task.record.text = error.what();
    tell(std::move(task));
    return false;
  }
}

// The references that stand in it are as long as those that take their places: so what comes
// behind them keeps its alignment.
void AgentBatch::encode_task(std::size_t index, Encoder& out) {
  const TaskPlace& place = payload_->contents.tasks[index];
  const std::byte* task = payload_->tasks.data() + place.begin;
  std::uint64_t at = 0;
  for (std::size_t i = first_reference_[index]; i != first_reference_[index + 1]; ++i) {
    const ReferencePlace& reference = payload_->contents.references[i];
    out.write(task + at, reference.place - at);
    const std::size_t begin = out.size();
    const std::shared_ptr<detail::Buffer>& memory = memory_.at(i);
    const std::shared_ptr<const void> owner = memory;
    out.memory(memory->data + reference.offset, reference.bytes, MemoryAccess::read_only, &owner);
    if (reference.access != MemoryAccess::read_only)
      out.put(memory->writable ? std::uint64_t{0} : reference.address);
    at = reference.place + reference_bytes(reference.access);
    if (out.size() - begin != reference_bytes(reference.access))
      detail::refuse_to_encode("an object of the task is not in memory that workers can map");
  }
  out.write(task + at, place.bytes - at);
}

EndedTask AgentBatch::ended(std::size_t index, TaskEnd end, const RemoteRun& run) {
  EndedTask task;
  task.attempt = assign_.attempt;
  task.record.task = static_cast<std::uint32_t>(index);
  task.record.end = end;
  task.record.worker = run.worker;
  task.record.pid = run.pid;
  task.record.ran_nanoseconds = (run.ended - run.started).count();
  return task;
}

void AgentBatch::tell(EndedTask task) {
  if (task.trouble.empty()) task.trouble = task.record.text;
  const bool is_last = over_.with([&](std::vector<bool>& over) {
    left_ -= over[task.record.task] ? 0 : 1;
    over[task.record.task] = true;
    return left_ == 0;
  });
  if (!forgotten_.load()) on_ended_(std::move(task), is_last);
}

void AgentBatch::relay_writes(std::size_t index, Decoder& writes) noexcept {
  writes_[index] = bytes_left(writes);
}

void AgentBatch::succeeded(std::size_t index, Decoder& result, const RemoteRun& run) noexcept {
  EndedTask task = ended(index, TaskEnd::result, run);
  try {
    const Decoder whole = result;
    task.body = bytes_left(result);
    std::uint64_t count = 0;
    if (task.body.size() < sizeof count) detail::refuse_message("a result ends too early");
    const std::size_t end = task.body.size() - sizeof count;
    std::memcpy(&count, task.body.data() + end, sizeof count);
    if (count > end / sizeof(std::uint64_t)) detail::refuse_message("a result ends too early");
    const std::size_t places = end - static_cast<std::size_t>(count) * sizeof(std::uint64_t);
    for (std::uint64_t i = 0; i != count; ++i) {
      std::uint64_t place = 0;
      std::memcpy(&place, task.body.data() + places + i * sizeof place, sizeof place);
      constexpr std::size_t length = Encoder::reference_head + sizeof(std::uint32_t) + sizeof place;
      if (places < length || place > places - length)
        detail::refuse_message("a result refers to memory from behind its end");
      Decoder at = whole;
      (void)at.take(static_cast<std::size_t>(place));
      std::shared_ptr<void> owner;
      const Decoder::Memory memory = at.memory(MemoryAccess::read_only, &owner);
      task.memory.push_back({static_cast<const std::byte*>(memory.data), memory.bytes, owner});
      // Its number among the result's objects, for the client.
      const auto number = static_cast<std::uint32_t>(i);
      const std::uint64_t offset = 0;
      char* reference = task.body.data() + place + Encoder::reference_head;
      std::memcpy(reference, &number, sizeof number);
      std::memcpy(reference + sizeof number, &offset, sizeof offset);
    }
    task.body.resize(places);
    put_writes_first(task, std::move(writes_[index]));
    writes_.erase(index);
    make_large_body_an_object(task);
  } catch (const std::exception& error) {
    task = ended(index, TaskEnd::failed, run);
    task.record.text = std::string("its result cannot be passed on: ") + error.what();
  }
  tell(std::move(task));
}

RemoteTasks::Verdict AgentBatch::threw(std::size_t index, Decoder& error,
                                       const RemoteRun& run) noexcept {
  EndedTask task = ended(index, TaskEnd::error, run);
  try {
    Decoder copy = error;
    TaskFailure failure;
    (void)detail::decode_remote_error(copy, failure);
    task.trouble = failure.cause_type + ": " + failure.cause;
  } catch (const std::exception&) {
    task.trouble = "an error that only its client can read";
  }
  task.body = bytes_left(error);
  make_large_body_an_object(task);
  writes_.erase(index);
  tell(std::move(task));
  return Verdict::over;
}

RemoteTasks::Verdict AgentBatch::failed(std::size_t index, std::exception_ptr error,
                                        const RemoteRun& run) noexcept {
  EndedTask task = ended(index, TaskEnd::failed, run);
  try {
    std::rethrow_exception(error);
  } catch (const WorkerLostError& lost) {
    task.record.end = TaskEnd::worker_lost;
    task.record.text = "on " + host_ + ": " + lost.what();
    task.record.loss = lost.loss();
  } catch (const TimeoutError& late) {
    task.record.end = TaskEnd::timed_out;
    task.record.text = late.what();
  } catch (const std::exception& other) {
    task.record.text = other.what();
  }
  tell(std::move(task));
  return Verdict::over;
}

void AgentBatch::measured(std::size_t, std::chrono::nanoseconds ran) noexcept {
  ran_.fetch_add(ran.count());
}

}  // namespace paracord::cluster
