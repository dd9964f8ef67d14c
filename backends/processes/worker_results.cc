// WorkerProcess: what comes back from the worker.

#include <utility>

#include "paracord/backends/processes/worker_process.h"
#include "paracord/backends/worker/shared_futex.h"
#include "paracord/core/describe_error.h"
#include "paracord/memmap/merged_writes.h"

namespace paracord::detail {

namespace {

// Tasks were given nothing else to write to.
bool is_writable_here(std::uint64_t address, std::uint64_t bytes) {
  const auto held = find_buffer(reinterpret_cast<const void*>(address), bytes);
  return held && held->is_writable();
}

}  // namespace

// A worker that breaks the rules is of no use any more, and its tasks run elsewhere.
bool WorkerProcess::collect() {
  RingReader<result_unit>::Record record{};
  bool any = false;
  while (!failed_.load(std::memory_order_relaxed) && in_.next(record)) {
    any = true;
    try {
      handle(record);
    } catch (const std::exception& error) {
      fail(error.what());
    }
    in_.free_until(record.end);
    receiver_.message_ends();
  }
  if (in_.is_broken() && !failed_.load()) fail("a record leads out of the ring");
  if (any && channel_->worker_wants_room.load(std::memory_order_relaxed) != 0 &&
      channel_->worker_wants_room.exchange(0) != 0) {
    shared_futex_wake(channel_->worker_wants_room);
  }
  return any;
}

void WorkerProcess::fail(const std::string& what) {
  failed_.store(true);
  kill("its messages make no sense: " + what);
}

void WorkerProcess::handle(const RingReader<result_unit>::Record& record) {
  Decoder in(record.body, record.bytes);
  const auto kind = static_cast<FromWorker>(record.kind);
  switch (kind) {
    case FromWorker::result:
    case FromWorker::error:
    case FromWorker::written_result: {
      const auto head = in.get<ResultHead>();
      return task_over(part_of(head), head, kind, record.body + sizeof head,
                       record.bytes - sizeof head);
    }
    case FromWorker::large_result:
      return large_task_over(FromWorker::result, in);
    case FromWorker::large_error:
      return large_task_over(FromWorker::error, in);
    case FromWorker::large_written_result:
      return large_task_over(FromWorker::written_result, in);
    case FromWorker::batch_ends:
      return part_ends(in.get<BatchEnd>());
    case FromWorker::trouble:
      spoiled_.store(true);
      return;
    case FromWorker::nothing:
      break;
  }
  refuse_message("a record is of no known kind");
}

// Tasks of a part end in order, each once, while the worker is at it. From here on the part stays
// in its slot until its end: only this thread takes it away.
BatchPart& WorkerProcess::part_of(const ResultHead& head) {
  return slots_.with([&](Slots& slots) -> BatchPart& {
    if (head.slot >= batch_slots || !slots.parts[head.slot] ||
        slots.parts[head.slot]->batch == nullptr)
      refuse_message("a task has ended in a slot that holds none");
    BatchPart& part = *slots.parts[head.slot];
    if (head.index != part.next || head.index >= part.end())
      refuse_message("a task has ended that was not the next one");
    if (!is_at_work(channel_->states[head.slot]))
      refuse_message("a task has ended of a batch that was not begun");
    return part;
  });
}

bool WorkerProcess::is_at_work(const std::atomic<BatchState>& state) {
  const BatchState now = state.load(std::memory_order_relaxed);
  return now == BatchState::running || now == BatchState::asked_back;
}

// A result that cannot be mapped here (no addresses are left) is its task's error.
void WorkerProcess::large_task_over(FromWorker kind, Decoder& in) {
  const auto head = in.get<ResultHead>();
  const auto bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
  BatchPart& part = part_of(head);
  const void* message = nullptr;
  try {
    message = receiver_.receive(in, bytes, MemoryAccess::read_only, 1, nullptr).data;
  } catch (const BackendUnavailable&) {
    return task_failed(part, head, std::current_exception());
  }
  task_over(part, head, kind, static_cast<const std::byte*>(message), bytes);
}

RemoteRun WorkerProcess::run_of(const ResultHead& head, int attempt) const {
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::steady_clock::duration;
  RemoteRun run;
  run.worker = call_.worker;
  run.attempt = attempt;
  run.host = host_name();
  run.pid = pid_;
  run.started = Time(Duration(head.started));
  run.ended = Time(Duration(head.ended));
  return run;
}

void WorkerProcess::task_over(BatchPart& part, const ResultHead& head, FromWorker kind,
                              const std::byte* message, std::size_t bytes) {
  proven_.store(true, std::memory_order_relaxed);
  RemoteBatch& batch = *part.batch;
  if (kind == FromWorker::written_result) {
    Decoder whole(message, bytes);
    const auto behind = static_cast<std::size_t>(whole.get<std::uint64_t>());
    if (behind < sizeof behind || behind > bytes)
      refuse_message("a result begins behind its message");
    Decoder writes = whole.part(behind - sizeof behind);
    if (batch.tasks.are_relayed()) {
      batch.tasks.relay_writes(head.index, writes);
    } else {
      // As without `retries`, when tasks write in place: the last one to write a byte wins.
      MergedWrites().merge(writes, head.index, &is_writable_here, {});
    }
    message += behind;
    bytes -= behind;
  }
  part.next = head.index + 1;  // not before: what made no sense until here answers no task
  Decoder in(message, bytes, &receiver_);
  if (kind != FromWorker::error) {
    batch.tasks.succeeded(head.index, in, run_of(head, part.attempt));
  } else if (batch.tasks.threw(head.index, in, run_of(head, part.attempt)) ==
             RemoteTasks::Verdict::again) {
    return batch.owner.send_again({&batch, head.index, 1, part.attempt + 1});
  }
  ++part.over;
}

void WorkerProcess::task_failed(BatchPart& part, const ResultHead& head, std::exception_ptr error) {
  part.next = head.index + 1;
  RemoteBatch& batch = *part.batch;
  if (batch.tasks.failed(head.index, std::move(error), run_of(head, part.attempt)) ==
      RemoteTasks::Verdict::again) {
    return batch.owner.send_again({&batch, head.index, 1, part.attempt + 1});
  }
  ++part.over;
}

// The end of a part: all its tasks have ended, or the worker was asked to end it early. One that
// was taken back has no batch any more.
void WorkerProcess::check_end(const Slots& slots, const BatchEnd& end) const {
  if (end.slot >= batch_slots || !slots.parts[end.slot])
    refuse_message("a batch has ended in a slot that holds none");
  const BatchPart& part = *slots.parts[end.slot];
  if (part.batch == nullptr) return;
  if (!is_at_work(channel_->states[end.slot]))
    refuse_message("a batch has ended that was not begun");
  const bool early = channel_->states[end.slot] == BatchState::asked_back;
  if (end.index != part.next || (end.index != part.end() && !early))
    refuse_message("a batch has ended before its tasks");
}

void WorkerProcess::part_ends(const BatchEnd& end) {
  BatchOwner* waiting = nullptr;
  std::optional<BatchOwner::Visit> visit;
  BatchPart part = slots_.with([&](Slots& slots) {
    check_end(slots, end);
    BatchPart ended = *std::exchange(slots.parts[end.slot], std::nullopt);
    std::erase(slots.order, end.slot);
    channel_->stop.fetch_and(~(std::uint32_t{1} << end.slot), std::memory_order_relaxed);
    channel_->states[end.slot].store(BatchState::free, std::memory_order_relaxed);
    const bool had_place = has_place();
    use_slots(slots, -1);
    // It was taken back, and its batch may be gone: the call is there as long as it has the worker.
    if (ended.batch == nullptr && !had_place && slots.in_call)
      visit.emplace(*(waiting = call_.owner));
    return ended;
  });
  if (part.batch == nullptr) {
    if (waiting != nullptr) waiting->place_free(*this);
    return;
  }
  in_flight_.fetch_sub(1, std::memory_order_acq_rel);
  unproven_.store(false);
  RemoteBatch& batch = *part.batch;
  BatchOwner& owner = batch.owner;
  visit.emplace(owner);
  if (end.index > part.first) {
    const auto ran = std::chrono::nanoseconds(std::max<std::int64_t>(end.ran, 0));
    batch.tasks.measured(end.index - part.first, ran);
  }
  if (end.index != part.end())
    owner.send_again({&batch, end.index, part.end() - end.index, part.attempt});
  part.kept.clear();
  batch.over(part.over + 1);
  owner.part_over(*this);
}

}  // namespace paracord::detail
