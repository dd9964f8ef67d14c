// ZeromqBackend: batches, from their caller to the cluster.

#include <numeric>
#include <set>
#include <utility>

#include "paracord/backends/zeromq/zeromq_backend.h"
#include "paracord/core/entry.h"
#include "paracord/core/huge_pages.h"

namespace paracord::cluster {

namespace {

// What one batch may hold before the rest of its tasks go into another.
constexpr std::size_t largest_batch = std::size_t{4} << 20;
// Larger payloads, and those with a task that is larger, take the data plane.
constexpr std::size_t largest_inline_payload = std::size_t{256} << 10;
constexpr std::size_t largest_inline_task = std::size_t{16} << 10;
constexpr int module_shift = 40;
constexpr std::size_t longest_label = 200;

bool goes_inline(const BatchEncoder& encoder, const BatchContents& contents) {
  if (encoder.bytes() > largest_inline_payload) return false;
  for (const TaskPlace& task : contents.tasks) {
    if (task.bytes > largest_inline_task) return false;
  }
  return true;
}

std::string label_of(const RemoteTasks& tasks, std::uint32_t index) {
  std::string label = tasks.function(index);
  if (label.size() > longest_label) label.resize(longest_label);
  return label;
}

}  // namespace

void ZeromqBackend::submit(Batch batch, OnDone on_done) {
  const auto count = static_cast<std::uint32_t>(batch.size());
  RemoteTasks* tasks = batch.elsewhere();
  if (tasks == nullptr) return on_done();
  auto* whole = new Whole{std::move(on_done), *tasks, count, Status()};
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  send(*whole, std::move(all), 1, 0);
}

// Those that cannot be encoded are over at once.
void ZeromqBackend::send(Whole& whole, std::vector<std::uint32_t> tasks, std::uint32_t attempt,
                         std::uint32_t losses) {
  const Status trouble = state_.with([](State& state) { return state.trouble; });
  if (!trouble.ok()) {
    if (whole.trouble.ok()) whole.trouble = trouble;
    return tasks_over(whole, static_cast<std::uint32_t>(tasks.size()));
  }
  std::uint32_t failed = 0;
  for (std::size_t next = 0; next != tasks.size();) {
    BatchEncoder encoder(*objects_, max_nbytes_);
    Part part;
    part.whole = &whole;
    part.attempt = attempt;
    part.losses = losses;
    for (; next != tasks.size() && encoder.bytes() < largest_batch; ++next) {
      const bool written = whole.tasks.encode(tasks[next], encoder.begin_task());
      encoder.end_task(written);
      if (written) {
        part.tasks.push_back(tasks[next]);
      } else {
        ++failed;
      }
    }
    if (!part.tasks.empty()) send_encoded(std::move(part), encoder);
  }
  // Last: it may end the batch.
  if (failed != 0) tasks_over(whole, failed);
}

// The modules that its tasks' functions are in.
void ZeromqBackend::add_modules(BatchEncoder& encoder) {
  std::set<std::uint32_t> known;
  BatchContents& contents = encoder.contents();
  for (const TaskPlace& task : contents.tasks) {
    std::uint64_t reference = 0;
    std::memcpy(&reference, encoder.tasks().data() + task.begin, sizeof reference);
    const auto number = static_cast<std::uint32_t>(reference >> module_shift);
    if (known.insert(number).second)
      contents.modules.push_back(cluster_->program.module(number, reference, ships_));
  }
}

void ZeromqBackend::send_encoded(Part part, BatchEncoder& encoder) {
  Whole& whole = *part.whole;
  Submit batch;
  batch.call = part.call = current_call();
  batch.count = static_cast<std::uint32_t>(part.tasks.size());
  batch.losses = part.losses;
  try {
    if (!labelled_.exchange(true)) batch.label = label_of(whole.tasks, part.tasks.front());
    add_modules(encoder);
    BatchContents& contents = encoder.contents();
    contents.attempt = part.attempt;
    batch.needs = encoder.needs();
    auto payload = std::make_shared<const std::string>(encode_payload(contents, encoder.tasks()));
    if (!goes_inline(encoder, contents)) {
      detail::expect_large_blocks();
      part.payload = objects_->offer_payload(payload);
      batch.needs.push_back(part.payload->object());
      payload =
          std::make_shared<const std::string>(encode_payload_reference(part.payload->object()));
    }
    batch.payload = std::move(payload);
  } catch (...) {
    return fail_tasks(whole, part.tasks, part.attempt, std::current_exception());
  }
  part.writable = encoder.writable();
  batch.batch = cluster_->client.new_batch(batch.call);
  const bool aborted = state_.with([&](State& state) {
    if (call_.load() != batch.call) return true;
    state.parts.emplace(batch.batch, std::move(part));
    return false;
  });
  if (aborted) return cancel(std::move(part));
  cluster_->client.submit(std::move(batch));
}

// The call that batches go to: the first one, or after an abort() the next.
CallId ZeromqBackend::current_call() {
  const std::lock_guard<detail::SpinMutex> hold(opening_);
  if (call_.load() == 0 && open_.load()) {
    labelled_.store(false);
    call_.store(cluster_->client.open_call(about_, *this));
  }
  return call_.load();
}

// What has not begun, and what runs, is told to end; here, all of it counts as over at once. A part
// of which a result is being taken is in nobody's list: it is settled when that has happened.
void ZeromqBackend::abort() {
  const CallId call = state_.with([&](State&) { return call_.exchange(0); });
  if (call == 0) return;
  cluster_->client.cancel_call(call);
  cluster_->client.exclusively([&] {
    auto parts = state_.with([&](State& state) {
      std::map<BatchId, Part> ended;
      for (auto part = state.parts.begin(); part != state.parts.end();) {
        const auto next = std::next(part);
        if (part->second.call == call) ended.insert(state.parts.extract(part));
        part = next;
      }
      return ended;
    });
    for (auto& [batch, part] : parts) cancel(std::move(part));
  });
  cluster_->client.close_call(call);
}

void ZeromqBackend::cancel(Part part) {
  Whole& whole = *part.whole;
  part.payload.reset();
  if (whole.trouble.ok()) whole.trouble = Status(StatusCode::cancelled, "aborted");
  // Those of which the result is here are over already, but for the ones that should have run
  // again.
  tasks_over(whole, static_cast<std::uint32_t>(part.tasks.size() - part.done.size() +
                                               part.again.size() + part.finished));
}

void ZeromqBackend::tasks_over(Whole& whole, std::uint32_t count) {
  const bool last = state_.with([&](State&) { return (whole.left -= count) == 0; });
  if (!last) return;
  OnDone on_done = std::move(whole.on_done);
  const Status trouble = whole.trouble;
  delete &whole;
  on_done(trouble);
}

}  // namespace paracord::cluster
