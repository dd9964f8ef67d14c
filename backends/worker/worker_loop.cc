#include "paracord/backends/worker/worker_loop.h"

#include <time.h>

#include <cstdio>

#include "paracord/backends/worker/shared_futex.h"
#include "paracord/core/codec.h"
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
      result_(&sender_),
      relays_(hello.relays != 0),
      nested_backend_(hello.nested_backend) {
  sender_.store_in(&arenas_);
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
    channel_.worker_wants_room.store(1, std::memory_order_seq_cst);
    ring();
    shared_futex_wait(channel_.worker_wants_room, 1, std::chrono::milliseconds(10));
  }
  std::memcpy(place, &head, sizeof(Head));
  if (bytes != 0) std::memcpy(place + sizeof(Head), body, bytes);
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
    if (yield_until([this] { return !in_.empty(); })) continue;
    channel_.worker_sleeps.store(1, std::memory_order_seq_cst);
    if (in_.empty()) shared_futex_wait(channel_.worker_sleeps, 1);
    channel_.worker_sleeps.store(0, std::memory_order_relaxed);
  }
}

void WorkerLoop::handle(const Record& record) {
  Decoder in(record.body, record.bytes, &receiver_);
  try {
    switch (static_cast<ToWorker>(record.kind)) {
      case ToWorker::batch:
        return run_batch(record.body, record.bytes);
      case ToWorker::large_batch:
        return run_large(record);
      case ToWorker::module:
        return adopt(in);
      case ToWorker::initializer:
        return initialise(in);
      case ToWorker::release:
        return release(in);
      case ToWorker::nothing:
        return;
    }
  } catch (...) {
    // The batches behind it cannot run: all their tasks get this error.
    result_.clear();
    encode_current_exception(result_, Phase::running);
    trouble_.assign(reinterpret_cast<const char*>(result_.data()), result_.size());
    put(FromWorker::trouble, ResultHead{}, nullptr, 0);
    ring();
  }
}

void WorkerLoop::adopt(Decoder& in) {
  ModuleName name;
  name.number = in.get<std::uint32_t>();
  name.device = in.get<std::uint64_t>();
  name.inode = in.get<std::uint64_t>();
  name.digest = in.get<std::uint64_t>();
  name.path = decode<std::string>(in);
  adopt_module(name);
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

void WorkerLoop::run_large(const Record& record) {
  Decoder in(record.body, record.bytes);
  const auto bytes = static_cast<std::size_t>(in.get<std::uint64_t>());
  const void* message = receiver_.receive(in, bytes, MemoryAccess::read_only, nullptr).data;
  run_batch(static_cast<const std::byte*>(message), bytes);
}

bool WorkerLoop::stop_requested(const RunningTask&) const {
  const std::uint64_t slot = channel_.running.load(std::memory_order_relaxed) >> 32;
  return (channel_.stop.load() >> slot & 1) != 0;
}

void WorkerLoop::run_batch(const std::byte* message, std::size_t bytes) {
  Decoder tasks(message, bytes, &receiver_);
  const auto head = tasks.get<BatchHead>();
  std::atomic<BatchState>& state = channel_.states[head.slot];
  BatchState expected = BatchState::sent;
  if (!state.compare_exchange_strong(expected, BatchState::running)) {
    put(FromWorker::batch_ends, BatchEnd{head.slot, head.first, 0}, nullptr, 0);
    return ring();
  }
  RunningTask running;
  running.call = this;
  running.worker = head.worker;
  running.attempt = head.attempt;
  running.assignment = head.assignment;
  const auto started = Clock::now();
  const std::uint32_t next = run_tasks(head, tasks, running);
  const BatchEnd end{head.slot, next, count_of(Clock::now()) - count_of(started)};
  channel_.running.store(0, std::memory_order_release);
  // What the tasks printed is on its way before the batch counts as done.
  std::fflush(stdout);
  put(FromWorker::batch_ends, end, nullptr, 0);
  ring();
}

std::uint32_t WorkerLoop::run_tasks(const BatchHead& head, Decoder& tasks, RunningTask& running) {
  const TaskScope scope(running, head.nesting_level + 1, nested_backend_);
  receiver_.write_to(head.drafts != 0 ? &drafts_ : nullptr);
  const std::atomic<BatchState>& state = channel_.states[head.slot];
  for (std::uint32_t i = 0; i != head.count; ++i) {
    if (state.load(std::memory_order_relaxed) != BatchState::running) return head.first + i;
    const auto size = tasks.get<std::uint64_t>();
    (void)tasks.take(static_cast<std::size_t>(size >> padding_shift));
    Decoder task =
        tasks.part(static_cast<std::size_t>(size & ((std::uint64_t{1} << padding_shift) - 1)));
    channel_.running.store(std::uint64_t{head.slot} << 32 | (head.first + i + 1),
                           std::memory_order_release);
    run_task(head, head.first + i, task);
  }
  return head.first + head.count;
}

void WorkerLoop::run_task(const BatchHead& head, std::uint32_t index, Decoder& task) {
  ResultHead about{head.slot, index, 0, 0};
  if (head.timed != 0) {
    about.started = count_of(Clock::now());
    channel_.started.store(about.started, std::memory_order_release);
  }
  FromWorker kind = FromWorker::result;
  Phase phase = Phase::decoding_arguments;
  result_.clear();
  places_.clear();
  if (!trouble_.empty()) {
    result_.write(trouble_.data(), trouble_.size());
    return write(FromWorker::error, about);
  }
  try {
    entry_of(task.get<std::uint64_t>()).run()(task, result_, phase);
  } catch (...) {
    kind = FromWorker::error;
    result_.clear();
    encode_current_exception(result_, phase);
  }
  if (head.timed != 0) about.ended = count_of(Clock::now());
  if (kind == FromWorker::result && relays_) add_places();
  if (kind == FromWorker::result && !drafts_.empty()) {
    write_with_drafts(about);
  } else {
    write(kind, about);
  }
  drafts_.clear();
  const auto now = coarse_time();
  if (now - last_ring_ > longest_silence) {
    last_ring_ = now;
    ring();
  }
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
  Encoder whole;
  whole.put(std::uint64_t{0});
  drafts_.encode(whole);
  while (whole.size() % Encoder::memory_alignment != 0) whole.put(std::byte{0});
  whole.overwrite(0, std::uint64_t{whole.size()});
  whole.write(result_.data(), result_.size());
  write(FromWorker::written_result, head, whole);
}

// The record that `body` holds, or a reference to it.
void WorkerLoop::write(FromWorker kind, const ResultHead& head, const Encoder& body) {
  if (body.size() <= largest_inline_message) return put(kind, head, body.data(), body.size());
  const ArenaStore::Lease lease = arenas_.store(body.data(), body.size());
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
