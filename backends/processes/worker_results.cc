// WorkerProcess: what comes back from the worker, and what becomes of its tasks when it ends.

#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <string_view>

#include "paracord/backends/processes/backtrace.h"
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

// --- the end of the process ---

std::vector<int> WorkerProcess::descriptors() const {
  std::vector<int> all{pid_fd_.get(), socket_.get()};
  for (int i = 0; i != OutputRelay::descriptors; ++i) all.push_back(output_.descriptor(i));
  return all;
}

void WorkerProcess::hang_up() {
  shutdown(socket_.get(), SHUT_RDWR);
}

void WorkerProcess::kill(std::string reason) {
  kill_reason_.with([&](std::string& why) {
    if (why.empty()) why = std::move(reason);
  });
  // Its number may belong to another process once it was reaped; its descriptor never does.
  if (syscall(SYS_pidfd_send_signal, pid_fd_.get(), 0, nullptr, 0) != 0) return;
  // The group first: also what its tasks have started.
  ::kill(-pid_, SIGKILL);
  syscall(SYS_pidfd_send_signal, pid_fd_.get(), SIGKILL, nullptr, 0);
}

bool WorkerProcess::has_ended() {
  if (ended_) return true;
  int status = 0;
  const int reaped = waitpid(pid_, &status, WNOHANG);
  if (reaped == pid_) wait_status_ = status;
  // The program may reap children that are not its own; then all that is known is the end.
  ended_ = reaped == pid_ || (reaped < 0 && errno == ECHILD);
  return ended_;
}

std::vector<BatchPart> WorkerProcess::take_losses() {
  is_lost.store(true);
  output_.drain(true);
  const std::uint64_t running = channel_->running.load(std::memory_order_acquire);
  return slots_.with([&](Slots& slots) {
    in_flight_.fetch_sub(static_cast<int>(slots.order.size()), std::memory_order_acq_rel);
    use_slots(slots, -slots_used_.load());
    std::vector<BatchPart> held;
    for (const std::size_t slot : slots.order) {
      held.push_back(*std::exchange(slots.parts[slot], std::nullopt));
      BatchPart& part = held.back();
      const auto task = static_cast<std::uint32_t>(running & 0xffffffffu);
      const bool here = running >> 32 == slot && task > part.first && task <= part.end();
      part.running = here ? task : 0;
    }
    slots.parts = {};
    slots.order.clear();
    return held;
  });
}

// Of a part that the worker held: the task that ran is lost, those behind it go to another worker.
void WorkerProcess::lose(BatchPart part) {
  RemoteBatch& batch = *part.batch;
  BatchOwner& owner = batch.owner;
  std::uint32_t over = part.over;
  std::uint32_t next = part.next;
  // A result that came before the end counts: the task is not the one that was lost.
  if (part.running != 0 && part.running - 1 >= part.next) {
    const std::uint32_t index = part.running - 1;
    // Their results were not readable any more: the worker had spoilt its ring.
    if (index > next) owner.send_again({&batch, next, index - next, part.attempt});
    RemoteRun run = run_of({0, index, channel_->started.load(), 0}, part.attempt);
    run.ended = std::chrono::steady_clock::now();
    if (batch.tasks.failed(index, loss_error(), run) == RemoteTasks::Verdict::again) {
      owner.send_again({&batch, index, 1, part.attempt + 1});
    } else {
      ++over;
    }
    next = index + 1;
  }
  if (next < part.end()) owner.send_again({&batch, next, part.end() - next, part.attempt});
  batch.over(over + 1);
}

namespace {

std::string indented(const std::string& title, const std::string& text) {
  return text.empty() ? std::string() : "\n" + title + ":\n" + text;
}

}  // namespace

std::uint64_t out_of_memory_kills() {
  constexpr std::string_view memory = ":memory:";
  std::ifstream self("/proc/self/cgroup");
  std::uint64_t kills = 0;
  for (std::string line; std::getline(self, line);) {
    // Version 2 is 0::/group, version 1 4:memory:/group.
    const std::size_t first = line.find(memory);
    std::string counts = "/sys/fs/cgroup";
    if (line.starts_with("0::")) {
      counts += line.substr(3) + "/memory.events";
    } else if (first != std::string::npos) {
      counts += "/memory" + line.substr(first + memory.size()) + "/memory.oom_control";
    } else {
      continue;
    }
    std::ifstream events(counts);
    std::string name;
    std::uint64_t count = 0;
    while (events >> name >> count) {
      if (name == "oom_kill") kills += count;
    }
  }
  return kills;
}

std::exception_ptr WorkerProcess::loss_error() {
  const std::string reason = kill_reason_.with([](std::string& why) { return why; });
  if (reason.starts_with("task_timeout")) return std::make_exception_ptr(TimeoutError(reason));
  WorkerLoss loss;
  const std::vector<StackFrame> frames = read_crash_report(output_.last_words());
  loss.backtrace = text_of(frames);
  loss.last_output = output_.last_errors();
  std::string how = text_of_end(wait_status_);
  if (wait_status_ && WIFSIGNALED(*wait_status_)) {
    loss.signal = WTERMSIG(*wait_status_);
    loss.out_of_memory =
        reason.starts_with("memory") ||
        (loss.signal == SIGKILL && reason.empty() && out_of_memory_kills() > out_of_memory_kills_);
    if (loss.out_of_memory && reason.empty()) how += ": the system was out of memory";
  } else if (wait_status_) {
    loss.exit_code = WEXITSTATUS(*wait_status_);
  }
  if (!reason.empty()) how += " (" + reason + ")";
  const std::string what = "the worker process " + std::to_string(pid_) + " that ran the task " +
                           how + place_of_crash(frames) +
                           indented("its last output on stderr", loss.last_output);
  return std::make_exception_ptr(WorkerLostError(what, std::move(loss)));
}

std::optional<WorkerProcess::Clock::time_point> WorkerProcess::task_deadline() const {
  if (!call_.task_timeout || channel_->running.load(std::memory_order_acquire) == 0)
    return std::nullopt;
  const auto started = channel_->started.load(std::memory_order_acquire);
  return Clock::time_point(Clock::duration(started)) + *call_.task_timeout;
}

std::size_t WorkerProcess::resident_bytes() const {
  std::ifstream statm("/proc/" + std::to_string(pid_) + "/statm");
  std::size_t all = 0, resident = 0, shared = 0;
  if (!(statm >> all >> resident >> shared)) return 0;
  return (resident - shared) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace paracord::detail
