// ZeromqBackend: what became of batches.

#include <algorithm>
#include <utility>

#include "paracord/backends/zeromq/zeromq_backend.h"
#include "paracord/core/errors.h"
#include "paracord/memmap/merged_writes.h"

namespace paracord::cluster {

namespace {

// The objects of one result, by their numbers in it.
class ResultObjects final : public detail::MemoryReceiver {
 public:
  explicit ResultObjects(const std::vector<std::shared_ptr<detail::Buffer>>& objects)
      : objects_(objects) {}
  Received receive(Decoder& in, std::size_t bytes, MemoryAccess, std::size_t,
                   std::shared_ptr<void>* owner) override {
    const auto number = in.get<std::uint32_t>();
    const auto offset = in.get<std::uint64_t>();
    if (number >= objects_.size()) detail::refuse_message("a result names no object");
    const std::shared_ptr<detail::Buffer>& object = objects_[number];
    if (offset > object->bytes || bytes > object->bytes - offset)
      detail::refuse_message("a result leads out of its object");
    if (owner != nullptr) *owner = object;
    return {object->data + offset, true};
  }

 private:
  const std::vector<std::shared_ptr<detail::Buffer>>& objects_;
};

}  // namespace

// Puts what the task wrote into its place, and returns what its function returned. A node says
// where to write to: nowhere but where this task's views look.
Decoder ZeromqBackend::behind_writes(std::span<const std::byte> body, const TaskRecord& record,
                                     const std::vector<WritableRange>& ranges, std::size_t task,
                                     detail::MemoryReceiver& receiver) {
  if (record.writes_bytes > body.size() || record.result_begin() > body.size())
    detail::refuse_message("a result begins behind its end");
  const auto result = body.subspan(record.result_begin());
  const Decoder behind(result.data(), result.size(), &receiver);
  if (record.writes_bytes == 0) return behind;
  Decoder in(body.data(), static_cast<std::size_t>(record.writes_bytes));
  const auto allowed = [&](std::uint64_t address, std::uint64_t bytes) {
    return std::any_of(ranges.begin(), ranges.end(), [&](const auto& range) {
      return address >= range.begin && bytes <= range.bytes &&
             address - range.begin <= range.bytes - bytes;
    });
  };
  merged_.merge(in, task, allowed, [&](std::uint64_t address, std::uint64_t bytes) {
    return objects_->given(address, bytes);
  });
  return behind;
}

void ZeromqBackend::arrived(client::Arrived results) {
  std::shared_ptr<RecordReader> reader;
  try {
    reader = std::make_shared<RecordReader>(*results.payload);
  } catch (const std::exception&) {
    for (const std::uint32_t task : results.tasks)
      cluster_->client.drop_result(results.batch, task);
    return;
  }
  // Each once; and what its node has promised and not sent is asked for elsewhere.
  std::set<std::uint32_t> wanted(results.tasks.begin(), results.tasks.end());
  for (std::size_t i = 0; i != reader->records().size(); ++i) {
    const TaskRecord& record = reader->records()[i];
    if (wanted.erase(record.task) == 0) continue;
    if (record.objects.empty()) {
      deliver(results.batch, reader, i, {}, results.node);
    } else {
      fetch_objects(results.batch, reader, i, results.node);
    }
  }
  for (const std::uint32_t task : wanted) cluster_->client.drop_result(results.batch, task);
}

// The last one to come, whichever it is, goes on with the result.
void ZeromqBackend::fetch_objects(BatchId batch, std::shared_ptr<RecordReader> reader,
                                  std::size_t record, PeerId node) {
  struct Waiting {
    std::vector<std::shared_ptr<detail::Buffer>> objects;
    std::size_t left;
    Status trouble;
  };
  const CallId taken_call = state_.with([&](State& state) {
    const auto part = state.parts.find(batch);
    return part == state.parts.end() ? CallId{0} : part->second.call;
  });
  const std::vector<ObjectId>& ids = reader->records()[record].objects;
  const auto waiting = std::make_shared<Waiting>();
  waiting->objects.resize(ids.size());
  waiting->left = ids.size();
  for (std::size_t i = 0; i != ids.size(); ++i) {
    cluster_->client.fetch(
        ids[i], node,
        [this, client = &cluster_->client, call = taken_call, batch, reader, record, node, waiting,
         i](Status status, std::shared_ptr<detail::Buffer> memory) {
          // On the client's thread, where the call may have ended.
          client->post(call, [this, batch, reader, record, node, waiting, i,
                              status = std::move(status), memory = std::move(memory)] {
            waiting->objects[i] = memory;
            if (!status.ok()) waiting->trouble = status;
            if (--waiting->left != 0) return;
            if (waiting->trouble.ok()) {
              deliver(batch, reader, record, waiting->objects, node);
            } else {
              cluster_->client.drop_result(batch, reader->records()[record].task);
            }
          });
        });
  }
}

void ZeromqBackend::deliver(BatchId batch, std::shared_ptr<RecordReader> reader, std::size_t number,
                            std::vector<std::shared_ptr<detail::Buffer>> objects, PeerId node) {
  const TaskRecord& record = reader->records()[number];
  auto taken = state_.with([&](State& state) { return state.parts.extract(batch); });
  if (taken.empty()) return;
  Part& part = taken.mapped();
  std::span<const std::byte> body = reader->body(record);
  std::shared_ptr<detail::Buffer> body_memory;
  if (record.body_is_object) {
    body_memory = std::move(objects.back());
    objects.pop_back();
    body = {body_memory->data, body_memory->bytes};
    body = body.first(static_cast<std::size_t>(record.objects.back().bytes));
  }
  if (record.task < part.tasks.size() && !part.done.contains(record.task))
    take_result(part, record.task, record, body, objects, node);
  cluster_->client.keep_result(batch, record.task);
  // The result may have ended the call.
  const bool aborted = state_.with([&](State& state) {
    if (call_.load() != part.call) return true;
    state.parts.insert(std::move(taken));
    return false;
  });
  if (aborted) cancel(std::move(part));
}

void ZeromqBackend::take_result(Part& part, std::uint32_t place, const TaskRecord& record,
                                std::span<const std::byte> body,
                                const std::vector<std::shared_ptr<detail::Buffer>>& objects,
                                PeerId node) {
  Whole& whole = *part.whole;
  const std::uint32_t index = part.tasks[place];
  RemoteRun run;
  run.worker = record.worker;
  run.attempt = static_cast<int>(part.attempt);
  run.host = cluster_->client.node_name(node);
  run.pid = record.pid;
  // No clock of another machine is believed: it has ended now, and has run as long as it says.
  run.ended = std::chrono::steady_clock::now();
  run.started = run.ended - std::chrono::nanoseconds(record.ran_nanoseconds);
  auto verdict = RemoteTasks::Verdict::over;
  ResultObjects receiver(objects);
  Decoder in(body.data(), body.size(), &receiver);
  switch (record.end) {
    case TaskEnd::result:
      try {
        Decoder result =
            behind_writes(body, record, part.writable, whole.tasks.number(index), receiver);
        whole.tasks.succeeded(index, result, run);
      } catch (...) {
        verdict = whole.tasks.failed(index, std::current_exception(), run);
      }
      break;
    case TaskEnd::error:
      verdict = whole.tasks.threw(index, in, run);
      break;
    case TaskEnd::worker_lost:
      verdict = whole.tasks.failed(
          index, std::make_exception_ptr(WorkerLostError(record.text, record.loss)), run);
      break;
    case TaskEnd::timed_out:
      verdict = whole.tasks.failed(index, std::make_exception_ptr(TimeoutError(record.text)), run);
      break;
    case TaskEnd::failed:
      verdict =
          whole.tasks.failed(index, std::make_exception_ptr(BackendUnavailable(record.text)), run);
      break;
  }
  part.done.insert(place);
  if (verdict == RemoteTasks::Verdict::again) {
    part.again.push_back(index);
  } else {
    ++part.finished;
  }
}

void ZeromqBackend::over(const client::Over& over) {
  std::optional<Part> part = state_.with([&](State& state) -> std::optional<Part> {
    auto found = state.parts.extract(over.batch);
    if (found.empty()) return std::nullopt;
    return std::move(found.mapped());
  });
  if (!part) return;
  // An abort() that is under way has not come to it yet.
  if (part->call != call_.load()) return cancel(*std::move(part));
  settle(*std::move(part), over);
}

void ZeromqBackend::settle(Part part, const client::Over& over) {
  Whole& whole = *part.whole;
  part.payload.reset();
  if (over.ran_nanoseconds > 0 && !part.done.empty())
    whole.tasks.measured(part.done.size(), std::chrono::nanoseconds(over.ran_nanoseconds));
  std::vector<std::uint32_t> missing;
  for (const std::uint32_t place : over.missing) {
    if (!part.done.contains(place)) missing.push_back(part.tasks[place]);
  }
  const bool lost = over.losses > part.losses;
  if (!missing.empty() && !over.refusal.empty()) {
    fail_tasks(whole, missing, part.attempt,
               std::make_exception_ptr(BackendUnavailable("zeromq: " + over.refusal)));
  } else if (!missing.empty() && lost && !part.writable.empty() && !idempotent_) {
    fail_tasks(whole, missing, part.attempt,
               std::make_exception_ptr(WorkerLostError(
                   "zeromq: the node that ran the task was lost; it writes to memory of its "
                   "caller, so it is not run again unless the call is marked `.idempotent = "
                   "true`")));
  } else if (!missing.empty() && over.losses >= options_.most_node_losses && missing.size() == 1) {
    fail_tasks(whole, missing, part.attempt,
               std::make_exception_ptr(WorkerLostError(
                   "zeromq: " + std::to_string(over.losses) +
                   " nodes were lost while they ran the task; it is not run again")));
  } else if (!missing.empty() && lost && missing.size() > 1) {
    // In halves: so the one that loses its nodes, if there is such a one, comes to stand alone.
    const auto middle = missing.begin() + static_cast<std::ptrdiff_t>(missing.size() / 2);
    send(whole, {missing.begin(), middle}, part.attempt, over.losses);
    send(whole, {middle, missing.end()}, part.attempt, over.losses);
  } else if (!missing.empty()) {
    send(whole, missing, part.attempt, over.losses);
  }
  if (!part.again.empty()) send(whole, part.again, part.attempt + 1, 0);
  // Last: it may end the batch, and the call with it.
  if (part.finished != 0) tasks_over(whole, part.finished);
}

void ZeromqBackend::fail_tasks(Whole& whole, const std::vector<std::uint32_t>& tasks,
                               std::uint32_t attempt, std::exception_ptr error) {
  RemoteRun run;
  run.attempt = static_cast<int>(attempt);
  std::vector<std::uint32_t> again;
  for (const std::uint32_t index : tasks) {
    if (whole.tasks.failed(index, error, run) == RemoteTasks::Verdict::again)
      again.push_back(index);
  }
  const auto failed = static_cast<std::uint32_t>(tasks.size() - again.size());
  if (!again.empty()) send(whole, std::move(again), attempt + 1, 0);
  if (failed != 0) tasks_over(whole, failed);
}

void ZeromqBackend::object_changed(const ObjectId& object) {
  if (!objects_ || !objects_->has(object)) return;
  refused(
      "memory that tasks of the call look at was changed while the call ran; leave it as it is "
      "until the call is over, or give the tasks a copy");
}

// No node will run what is left.
void ZeromqBackend::refused(const std::string& why) {
  state_.with([&](State& state) {
    if (state.trouble.ok()) state.trouble = Status(StatusCode::unavailable, "zeromq: " + why);
  });
  changed_.notify();
  if (const CallId call = call_.load(); call != 0) cluster_->client.cancel_call(call);
}

}  // namespace paracord::cluster
