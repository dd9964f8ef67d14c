// WorkerProcess: what goes to the worker, and what is taken back from it.

#include <algorithm>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "paracord/backends/processes/worker_process.h"
#include "paracord/backends/worker/shared_futex.h"
#include "paracord/core/codec.h"
#include "paracord/core/copy_bytes.h"
#include "paracord/core/entry.h"
#include "paracord/core/scope.h"

namespace paracord::detail {

namespace {

// What one message may hold before the rest of a part goes into another.
constexpr std::size_t largest_message = std::size_t{4} << 20;
// What it takes to say that one stretch of lent memory is free.
constexpr std::size_t release_bytes = 12;
constexpr std::size_t most_releases = 1000;  // in one record
constexpr int module_shift = 40;
// In the ring of tasks: for a full set of parts and one message besides, each of the largest size,
// and what is lost at the ring's end.
constexpr std::size_t room_for_parts =
    (batch_slots + 2) * RingWriter<task_unit>::room_for(largest_inline_message);
static_assert(room_for_parts + RingWriter<task_unit>::room_for(most_releases * release_bytes) <
              ring_bytes);

}  // namespace

// Room in the ring. There are few parts in it and each is small, so it comes soon.
std::byte* WorkerProcess::reserve(ToWorker kind, std::size_t bytes) {
  return out_.reserve(bytes, static_cast<std::uint32_t>(kind));
}

void WorkerProcess::publish() {
  out_.publish_first();
  if (channel_->worker_sleeps.load(std::memory_order_seq_cst) != 0 &&
      channel_->worker_sleeps.exchange(0) != 0) {
    shared_futex_wake(channel_->worker_sleeps);
  }
}

void WorkerProcess::introduce_modules(const std::vector<std::uint64_t>& references) {
  for (const std::uint64_t reference : references) {
    const auto number = static_cast<std::uint32_t>(reference >> module_shift);
    if (number == 0 && !spec_.own_executable && call_.modules == nullptr) {
      throw BackendUnavailable(
          "processes: the task's function is part of the program itself, which does not call "
          "paracord::initialize(argc, argv); make that call the first line of main, and calls like "
          "this one behind it: not in constructors of global objects");
    }
    if (!checked_.insert(number).second) continue;
    const ModuleName name =
        call_.modules != nullptr ? (*call_.modules)(number) : module_of(reference);
    const auto [known, is_new] = introduced_.try_emplace(number, name);
    if (!is_new && std::exchange(known->second, name) == name) continue;
    Encoder about;
    about.put(name.number);
    about.put(name.device);
    about.put(name.inode);
    about.put(name.digest);
    encode(about, name.path);
    write_record(ToWorker::module, about);
  }
}

// None where the worker has ended, or where several senders at once have filled it.
std::optional<std::size_t> WorkerProcess::take_slot(BatchPart& part) {
  return slots_.with([&](Slots& slots) -> std::optional<std::size_t> {
    if (is_lost.load()) return std::nullopt;
    std::size_t slot = 0;
    while (slot != batch_slots && slots.parts[slot]) ++slot;
    if (slot == batch_slots) return std::nullopt;
    part.batch->left.fetch_add(1, std::memory_order_acq_rel);
    slots.parts[slot] = std::move(part);
    slots.order.push_back(slot);
    use_slots(slots, 1);
    channel_->states[slot].store(BatchState::sent, std::memory_order_relaxed);
    return slot;
  });
}

// Adds one task to the message. False: it cannot be encoded.
bool WorkerProcess::encode_task(RemoteTasks& tasks, std::size_t index,
                                std::vector<std::uint64_t>& references) {
  const std::size_t start = message_.size();
  message_.put(std::uint64_t{0});
  std::uint64_t padding = 0;
  if (tasks.are_relayed()) {
    for (const std::size_t place = tasks.place_of(index);
         message_.size() % Encoder::memory_alignment != place; ++padding)
      message_.put(std::byte{0});
  }
  const std::size_t begin = message_.size();
  if (!tasks.encode(index, message_)) {
    message_.truncate(start);
    return false;
  }
  message_.overwrite(start, std::uint64_t{message_.size() - begin} | padding << padding_shift);
  std::uint64_t reference = 0;
  std::memcpy(&reference, message_.data() + begin, sizeof reference);
  if (references.empty() || references.back() != reference) references.push_back(reference);
  return true;
}

// A part that is counted before it has a slot; it never gets one where this ends before.
class WorkerProcess::Expected {
 public:
  explicit Expected(std::atomic<int>& count) : count_(&count) {}
  Expected(const Expected&) = delete;
  ~Expected() { end(); }
  void end() {
    if (count_ != nullptr) std::exchange(count_, nullptr)->fetch_sub(1, std::memory_order_seq_cst);
  }
  void has_slot() { count_ = nullptr; }

 private:
  std::atomic<int>* count_;
};

WorkerProcess::Sent WorkerProcess::send(BatchPart part) {
  Expected expected(in_flight_);
  std::unique_lock<SpinMutex> hold(sending_);
  send_releases();
  RemoteBatch& batch = *part.batch;
  sender_.begin_message(*call_.memory, call_.max_nbytes, part.kept);
  message_.clear();
  message_.put(BatchHead{});
  std::vector<std::uint64_t> references;
  BatchPart rest = part;
  rest.kept.clear();
  std::uint32_t sent = 0, failed = 0;
  for (; sent != part.count && message_.size() < largest_message; ++sent) {
    if (encode_task(batch.tasks, part.first + sent, references)) continue;
    failed = 1;
    break;
  }
  rest.first += sent + failed;
  rest.count -= sent + failed;
  if (sent != 0) {
    part.count = sent;
    part.next = part.first;
    introduce_modules(references);
    if (!post(part, expected)) {
      expected.end();
      hold.unlock();
      // Nothing was sent; what failed to be encoded has failed for good, and stands between.
      std::optional<BatchPart> behind;
      if (rest.count != 0) behind = rest;
      rest.first = part.first;
      rest.count = sent;
      if (failed != 0) batch.over(1);
      return {rest, behind, false};
    }
  }
  if (sent == 0) expected.end();
  hold.unlock();
  // Last: it may end the batch.
  if (failed != 0) batch.over(1);
  if (rest.count == 0) return {std::nullopt, std::nullopt, sent != 0};
  return {rest, std::nullopt, sent != 0};
}

bool WorkerProcess::post(BatchPart& part, Expected& expected) {
  BatchHead head{};
  head.first = part.first;
  head.count = part.count;
  head.worker = call_.worker;
  head.attempt = part.attempt;
  head.nesting_level = call_.nesting_level;
  head.drafts = call_.drafts;
  head.at_once = call_.at_once;
  head.assignment = part.batch->tasks.assignment();
  head.timed = part.batch->tasks.timed() || call_.task_timeout;
  tasks_sent_ += part.count;
  const bool large = message_.size() > largest_inline_message;
  ArenaStore::Lease lease;
  if (large) part.kept.push_back(lease = room_.take(message_.size()));
  const std::optional<std::size_t> slot = take_slot(part);
  if (!slot) return false;
  expected.has_slot();
  head.slot = static_cast<std::uint32_t>(*slot);
  message_.overwrite(0, head);
  if (large) {
    announcer_.announce(lease->arena->number, lease->arena->fd);
    Encoder reference;
    reference.put(head);
    reference.put(std::uint64_t{message_.size()});
    reference.put(lease->arena->number);
    reference.put(std::uint64_t{lease->offset});
    write_record(ToWorker::large_batch, reference);
  } else {
    write_record(ToWorker::batch, message_);
  }
  return true;
}

void WorkerProcess::write_record(ToWorker kind, const Encoder& body) {
  std::byte* place = nullptr;
  // The ring has room for all parts that may be in flight and for a module or an initializer beside
  // them; releases leave that free. So this waits, if ever, for a worker that is about to read.
  while ((place = reserve(kind, body.size())) == nullptr) {
    if (out_.is_broken()) return fail("it claims to have read more than was sent");
    if (is_lost.load() || failed_.load()) return;
    publish();
    std::this_thread::yield();
  }
  copy_bytes(place, body.data(), body.size());
  publish();
}

void WorkerProcess::send_initializer(std::uint64_t id, const Initializer& initializer) {
  const std::lock_guard<SpinMutex> hold(sending_);
  if (!initialised_.insert(id).second) return;
  const UserCallback callback("the codec of an initializer");
  SharingSender::Kept kept;
  sender_.begin_message(*call_.memory, call_.max_nbytes, kept);
  message_.clear();
  message_.put(id);
  initializer.encode(message_);
  std::uint64_t reference = 0;
  std::memcpy(&reference, message_.data() + sizeof id, sizeof reference);
  introduce_modules({reference});
  if (message_.size() > largest_inline_message) {
    refuse_to_encode("the initializer's arguments take " + std::to_string(message_.size()) +
                     " bytes; pass what is large as a memory-mapped array or by file name");
  }
  unproven_.store(true);
  write_record(ToWorker::initializer, message_);
}

void WorkerProcess::send_releases() {
  releases_->with([&](Encoder& waiting) {
    while (waiting.size() != 0) {
      const std::size_t bytes = std::min(waiting.size(), most_releases * release_bytes);
      const std::size_t start = waiting.size() - bytes;
      if (out_.free_bytes() < room_for_parts + RingWriter<task_unit>::room_for(bytes)) return;
      std::byte* place = reserve(ToWorker::release, bytes);
      if (place == nullptr) return;
      std::memcpy(place, waiting.data() + start, bytes);
      waiting.truncate(start);
      publish();
    }
  });
}

std::optional<BatchPart> WorkerProcess::take_back(std::uint32_t min_tasks) {
  return slots_.with([&](Slots& slots) -> std::optional<BatchPart> {
    for (auto place = slots.order.begin(); place != slots.order.end(); ++place) {
      const std::size_t slot = *place;
      if (slots.parts[slot]->count < min_tasks) continue;
      BatchState expected = BatchState::sent;
      // Its record stays in the ring: the worker passes over it. Until then the slot is taken.
      if (!channel_->states[slot].compare_exchange_strong(expected, BatchState::taken_back))
        continue;
      slots.order.erase(place);
      BatchPart part = *std::move(slots.parts[slot]);
      // So does the memory that the record refers to.
      slots.parts[slot].emplace().kept = std::exchange(part.kept, {});
      part.batch->left.fetch_sub(1, std::memory_order_acq_rel);  // its tasks still count
      in_flight_.fetch_sub(1, std::memory_order_acq_rel);
      return part;
    }
    return std::nullopt;
  });
}

void WorkerProcess::request_stop() {
  slots_.with([&](Slots& slots) {
    for (const std::size_t slot : slots.order) {
      if (slots.parts[slot]->batch->stops) channel_->stop.fetch_or(std::uint32_t{1} << slot);
    }
  });
}

bool WorkerProcess::holds_stopped() {
  return slots_.with([&](Slots& slots) {
    return std::any_of(slots.order.begin(), slots.order.end(),
                       [&](std::size_t slot) { return slots.parts[slot]->batch->stops.load(); });
  });
}

std::array<std::uint64_t, 2> WorkerProcess::assignment() {
  return slots_.with([&](Slots& slots) -> std::array<std::uint64_t, 2> {
    if (slots.order.empty()) return {};
    return slots.parts[slots.order.front()]->batch->tasks.assignment();
  });
}

std::optional<BatchPart> WorkerProcess::ask_back() {
  return slots_.with([&](Slots& slots) -> std::optional<BatchPart> {
    const std::size_t slot = channel_->running.load(std::memory_order_seq_cst) >> 32;
    if (std::find(slots.order.begin(), slots.order.end(), slot) == slots.order.end())
      return std::nullopt;
    BatchPart& part = *slots.parts[slot];
    // Behind the task that it is at. It says that before the part counts as running, and takes it
    // back when it has run all.
    const auto rest = [&] {
      const std::uint64_t running = channel_->running.load(std::memory_order_seq_cst);
      const bool here = (running & 0xffffffffu) != 0 && running >> 32 == slot;
      const auto next = here ? static_cast<std::uint32_t>(running & 0xffffffffu) : part.end();
      return std::clamp(next, part.first, part.end());
    };
    if (rest() == part.end()) return std::nullopt;
    BatchState expected = BatchState::running;
    if (!channel_->states[slot].compare_exchange_strong(expected, BatchState::asked_back))
      return std::nullopt;
    // It looks at the state after it has said what it begins, and begins nothing more.
    const std::uint32_t first = rest(), end = part.end();
    if (first == end) return std::nullopt;
    part.count = first - part.first;
    return BatchPart{part.batch, first, end - first, part.attempt};
  });
}

}  // namespace paracord::detail
