#include "paracord/backends/worker/worker_loop.h"

#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "paracord/backends/worker/shared_futex.h"
#include "paracord/core/codec.h"
#include "paracord/core/copy_bytes.h"
#include "paracord/core/fork.h"
#include "paracord/core/futex.h"
#include "paracord/core/remote_error.h"
#include "paracord/memmap/temp_folder.h"

namespace paracord::detail {

namespace {

// How long results of a batch that goes on may wait for the parent to be told of them; and the
// kernel's tick besides.
constexpr auto longest_silence = std::chrono::milliseconds(1);

// The time as of the kernel's last tick: some milliseconds old, and much cheaper to read.
std::chrono::nanoseconds coarse_time() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

std::int64_t count_of(std::chrono::steady_clock::time_point time) {
  return time.time_since_epoch().count();
}

// The kind of a record that refers to what is too large for it.
FromWorker large(FromWorker kind) {
  if (kind == FromWorker::written_result) return FromWorker::large_written_result;
  return kind == FromWorker::result ? FromWorker::large_result : FromWorker::large_error;
}

// What no parent of this version sends: whatever was meant, nothing right can come of it. The
// parent learns of the end, and of the reason by these words.
[[noreturn]] void end_for(const char* what) {
  std::fprintf(stderr, "paracord: a worker process ends: its parent's messages make no sense: %s\n",
               what);
  std::fflush(stdout);
  std::_Exit(nonsense_exit_code);
}

ArenaStore* array_arenas = nullptr;
std::size_t least_shared_bytes = 0;

// The memory of a large array that a task makes: shared from the start, so that a result needs no
// copy.
struct ArenaBuffer final : Buffer {
  explicit ArenaBuffer(ArenaStore::Lease from) : lease(std::move(from)) {
    data = lease->data();
    bytes = lease->bytes;
    shared = true;
    fd = lease->arena->fd;
    offset = lease->offset;
    file_number = lease->arena->number;
  }
  ~ArenaBuffer() override { forget_buffer(*this); }
  ArenaStore::Lease lease;
};

std::shared_ptr<Buffer> allocate_shared(std::size_t bytes) {
  if (bytes <= least_shared_bytes) return allocate_on_heap(bytes);
  auto buffer = std::make_shared<ArenaBuffer>(array_arenas->allocate(bytes));
  buffer->bytes = bytes;
  register_buffer(buffer);
  return buffer;
}

}  // namespace

WorkerLoop::WorkerLoop(Channel& channel, Doorbell& bell, int socket, const Hello& hello)
    : channel_(channel),
      bell_(bell),
      in_(&channel.tasks, channel.task_ring, ring_bytes),
      out_(&channel.results, channel.result_ring, ring_bytes),
      notices_(socket, receiver_),
      announcer_(socket),
      arenas_(temp_folders(std::nullopt)),
      sender_(announcer_, hello.max_nbytes),
      result_(&sender_, &room_),
      // A node's copies of what its clients have never change; a caller's file does.
      drafts_(hello.relays != 0 ? Drafts::Originals::stay : Drafts::Originals::change),
      relays_(hello.relays != 0),
      forks_(fork_count()),
      nested_backend_(hello.nested_backend) {
  sender_.store_in(&arenas_);
  room_.store_in(&arenas_);
  receiver_.fetch_with([this] { notices_.drain(); });
  sender_.lend_with(
      [this](std::uint32_t file, std::uint64_t offset, std::shared_ptr<const void> owner) {
        lent_.emplace(std::pair(file, offset), std::move(owner));
      });
  if (relays_) sender_.note_places_in(&places_);
  array_arenas = &arenas_;
  least_shared_bytes = hello.max_nbytes;
  set_allocator(&allocate_shared);
}

template <class Head>
void WorkerLoop::put(FromWorker kind, const Head& head, const void* body, std::size_t bytes) {
  static_assert(std::is_trivially_copyable_v<Head>);
  std::byte* place = nullptr;
  while ((place = out_.reserve(sizeof(Head) + bytes, static_cast<std::uint32_t>(kind))) ==
         nullptr) {
    if (out_.is_broken()) end_for("more results were read than were written");
    channel_.worker_wants_room.store(1, std::memory_order_seq_cst);
    ring();
    shared_futex_wait(channel_.worker_wants_room, 1, std::chrono::milliseconds(10));
  }
  std::memcpy(place, &head, sizeof(Head));
  if (bytes != 0) copy_bytes(place + sizeof(Head), body, bytes);
  out_.publish();
}

void WorkerLoop::run() {
  channel_.ready.store(1);
  Record record{};
  while (true) {
    wait_for_record(record);
    handle(record);
    in_.free_until(record.end);
  }
}

void WorkerLoop::wait_for_record(Record& record) {
  while (!in_.next(record)) {
    if (in_.is_broken()) end_for("a record leads out of the ring");
    if (yield_until([this] { return !in_.empty(); })) continue;
    channel_.worker_sleeps.store(1, std::memory_order_seq_cst);
    if (in_.empty()) shared_futex_wait(channel_.worker_sleeps, 1);
    channel_.worker_sleeps.store(0, std::memory_order_relaxed);
  }
}

void WorkerLoop::handle(const Record& record) {
  const auto kind = static_cast<ToWorker>(record.kind);
  Decoder in(record.body, record.bytes, &receiver_);
  try {
    switch (kind) {
      case ToWorker::batch:
      case ToWorker::large_batch:
        return run_batch(kind, in);
      case ToWorker::module:
      case ToWorker::initializer:
        return prepare(kind, in);
      case ToWorker::release:
        return release(in);
      case ToWorker::nothing:
        break;
    }
    refuse_message("a record is of no known kind");
  } catch (const std::exception& error) {
    end_for(error.what());
  }
}

// Where that fails, the batches behind it cannot run: all their tasks get this error.
void WorkerLoop::prepare(ToWorker kind, Decoder& in) {
  try {
    return kind == ToWorker::module ? adopt(in) : initialise(in);
  } catch (...) {
    trouble_ = encoded_error(Phase::running);
  }
  put(FromWorker::trouble, ResultHead{}, nullptr, 0);
  ring();
}

void WorkerLoop::adopt(Decoder& in) {
  ModuleName name;
  name.number = in.get<std::uint32_t>();
  name.device = in.get<std::uint64_t>();
  name.inode = in.get<std::uint64_t>();
  name.digest = in.get<std::uint64_t>();
  name.path = decode<std::string>(in);
  adopt_module(name);
  last_entry_ = nullptr;
}

void WorkerLoop::initialise(Decoder& in) {
  const auto id = in.get<std::uint64_t>();
  if (initialised_.contains(id)) return;
  Phase phase{};
  result_.clear();
  Entry& entry = entry_of(in.get<std::uint64_t>());
  entry.run()(in, result_, phase);
  initialised_.insert(id);
}

void WorkerLoop::release(Decoder& in) {
  while (in.left() != 0) {
    const auto file = in.get<std::uint32_t>();
    const auto offset = in.get<std::uint64_t>();
    const auto found = lent_.find({file, offset});
    if (found != lent_.end()) lent_.erase(found);
  }
}

bool WorkerLoop::stop_requested(const RunningTask&) const {
  const std::uint64_t slot = channel_.running.load(std::memory_order_relaxed) >> 32;
  return (channel_.stop.load() >> slot & 1) != 0;
}

// A batch that was taken back is passed over unread: where it is a large one, its memory may have
// another owner by now.
void WorkerLoop::run_batch(ToWorker kind, Decoder& in) {
  const auto head = in.get<BatchHead>();
  if (head.slot >= batch_slots) refuse_message("a batch has a slot that there is not");
  std::atomic<BatchState>& state = channel_.states[head.slot];
  BatchState expected = BatchState::sent;
  if (head.timed != 0) channel_.started.store(count_of(Clock::now()), std::memory_order_release);
  // Before the state says that it runs: who asks for a part of it reads both.
  channel_.running.store(std::uint64_t{head.slot} << 32 | (head.first + 1),
                         std::memory_order_seq_cst);
  if (!state.compare_exchange_strong(expected, BatchState::running)) {
    channel_.running.store(0, std::memory_order_release);
    if (expected != BatchState::taken_back)
      refuse_message("a batch has a slot in which none was sent");
    put(FromWorker::batch_ends, BatchEnd{head.slot, head.first, 0}, nullptr, 0);
    return ring();
  }
  RunningTask running;
  running.call = this;
  running.worker = head.worker;
  running.attempt = head.attempt;
  set_current_assignment(head.assignment);
  const auto started = Clock::now();
  const std::uint32_t next = kind == ToWorker::batch ? run_tasks(head, in, running, trouble_)
                                                     : run_large(head, in, running);
  const BatchEnd end{head.slot, next, count_of(Clock::now()) - count_of(started)};
  channel_.running.store(0, std::memory_order_release);
  set_current_assignment({});
  // What the tasks printed is on its way before the batch counts as done.
  std::fflush(stdout);
  put(FromWorker::batch_ends, end, nullptr, 0);
  ring();
}

// Memory that cannot be mapped (no addresses are left) is an error of the tasks that lie in it.
std::uint32_t WorkerLoop::run_large(const BatchHead& head, Decoder& in, RunningTask& running) {
  const auto bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
  std::string trouble;
  const void* message = nullptr;
  try {
    message = receiver_.receive(in, bytes, MemoryAccess::read_only, 1, nullptr).data;
  } catch (const BackendUnavailable&) {
    trouble = encoded_error(Phase::decoding_arguments);
  }
  if (!trouble.empty()) return run_tasks(head, in, running, trouble);
  Decoder tasks(message, bytes, &receiver_);
  const auto same = tasks.get<BatchHead>();
  if (same.slot != head.slot || same.first != head.first || same.count != head.count)
    refuse_message("a batch's memory holds another batch");
  return run_tasks(head, tasks, running, trouble_);
}

// `trouble`: in place of running them, this is what they end with.
std::uint32_t WorkerLoop::run_tasks(const BatchHead& head, Decoder& tasks, RunningTask& running,
                                    const std::string& trouble) {
  const TaskScope scope(running, head.nesting_level + 1, nested_backend_);
  receiver_.write_to(head.drafts != 0 ? &drafts_ : nullptr);
  const std::atomic<BatchState>& state = channel_.states[head.slot];
  for (std::uint32_t i = 0; i != head.count; ++i) {
    // Whoever asks for the rest reads what is begun afterwards: he sees this task there, or is seen
    // here before it begins.
    channel_.running.store(std::uint64_t{head.slot} << 32 | (head.first + i + 1),
                           std::memory_order_seq_cst);
    if (state.load(std::memory_order_seq_cst) != BatchState::running) return head.first + i;
    const ResultHead about{head.slot, head.first + i, 0, 0};
    if (!trouble.empty()) {
      result_.clear();
      result_.write(trouble.data(), trouble.size());
      answer(FromWorker::error, about);
      continue;
    }
    const auto size = tasks.get<std::uint64_t>();
    (void)tasks.take(static_cast<std::size_t>(size >> padding_shift));
    Decoder task =
        tasks.part(static_cast<std::size_t>(size & ((std::uint64_t{1} << padding_shift) - 1)));
    run_task(head, about, task);
  }
  return head.first + head.count;
}

void WorkerLoop::run_task(const BatchHead& head, ResultHead about, Decoder& task) {
  if (head.timed != 0) {
    about.started = count_of(Clock::now());
    channel_.started.store(about.started, std::memory_order_release);
  }
  FromWorker kind = FromWorker::result;
  Phase phase = Phase::decoding_arguments;
  result_.clear();
  places_.clear();
  try {
    entry_of(task.get<std::uint64_t>()).run()(task, result_, phase);
  } catch (...) {
    kind = FromWorker::error;
    result_.clear();
    const std::string error = encoded_error(phase);
    result_.write(error.data(), error.size());
  }
  // A process that the task has forked off, and that has come back here.
  if (forks_ != fork_count()) std::_Exit(0);
  if (head.timed != 0) about.ended = count_of(Clock::now());
  answer(kind, about);
  drafts_.clear();
  // A reader may wait for this one, and the next may take long.
  if (head.at_once != 0) return ring();
  const auto now = coarse_time();
  if (now - last_ring_ > longest_silence) {
    last_ring_ = now;
    ring();
  }
}

// Each task is answered, also where there is no memory for its answer, or its error cannot be
// written.
void WorkerLoop::answer(FromWorker kind, const ResultHead& about) {
  try {
    if (kind == FromWorker::result && relays_) add_places();
    if (kind == FromWorker::result && !drafts_.empty()) return write_with_drafts(about);
    return write(kind, about);
  } catch (...) {
    const std::string error = encoded_error(Phase::encoding_result);
    put(FromWorker::error, about, error.data(), error.size());
  }
}

// Inside a handler. What does not fit into a record of the ring is told in short where it stands in
// the way of the answer: see answer().
std::string WorkerLoop::encoded_error(Phase phase) {
  const auto text_of = [](const Encoder& out) {
    return std::string(reinterpret_cast<const char*>(out.data()), out.size());
  };
  Encoder out;
  try {
    encode_current_exception(out, phase);
    if (phase != Phase::encoding_result || out.size() <= largest_inline_message)
      return text_of(out);
  } catch (...) {
    // Its what(), or its codec, threw.
  }
  out.clear();
  try {
    throw std::runtime_error("the task threw an exception that cannot be written down");
  } catch (...) {
    encode_current_exception(out, phase);
  }
  return text_of(out);
}

Entry& WorkerLoop::entry_of(std::uint64_t reference) {
  if (reference != last_reference_ || last_entry_ == nullptr) {
    last_entry_ = &find_entry(reference);
    last_reference_ = reference;
  }
  return *last_entry_;
}

void WorkerLoop::add_places() {
  for (const std::uint64_t place : places_) result_.put(place);
  result_.put(std::uint64_t{places_.size()});
}

// The result begins where memory may begin, as it does in a message of its own.
void WorkerLoop::write_with_drafts(const ResultHead& head) {
  SharedRoom room(largest_inline_message);
  room.store_in(&arenas_);
  Encoder whole(nullptr, &room);
  whole.put(std::uint64_t{0});
  drafts_.encode(whole);
  while (whole.size() % Encoder::memory_alignment != 0) whole.put(std::byte{0});
  whole.overwrite(0, std::uint64_t{whole.size()});
  whole.write(result_.data(), result_.size());
  write(FromWorker::written_result, head, whole, room);
}

// The record that `body` holds, or a reference to it, which is in `room` then.
void WorkerLoop::write(FromWorker kind, const ResultHead& head, const Encoder& body,
                       SharedRoom& room) {
  if (body.size() <= largest_inline_message) return put(kind, head, body.data(), body.size());
  const ArenaStore::Lease lease = room.take(body.size());
  announcer_.announce(lease->arena->number, lease->arena->fd);
  lent_.emplace(std::pair(lease->arena->number, std::uint64_t{lease->offset}), lease);
  Encoder reference;
  reference.put(std::uint64_t{body.size()});
  reference.put(lease->arena->number);
  reference.put(std::uint64_t{lease->offset});
  put(large(kind), head, reference.data(), reference.size());
}

void WorkerLoop::ring() {
  bell_.rings.fetch_add(1, std::memory_order_seq_cst);
  if (bell_.sleeps.load(std::memory_order_seq_cst) != 0) shared_futex_wake(bell_.rings);
}

}  // namespace paracord::detail
