// ZeromqBackend: batches, from their caller to the cluster.

#include <numeric>
#include <set>
#include <utility>

#include "paracord/backends/zeromq/zeromq_backend.h"
#include "paracord/core/entry.h"

namespace paracord::cluster {

namespace {

// What one batch may hold before the rest of its tasks go into another.
constexpr std::size_t largest_batch = std::size_t{4} << 20;
// Larger payloads, and those with a task that is larger, take the data plane.
constexpr std::size_t largest_inline_payload = std::size_t{256} << 10;
constexpr std::size_t largest_inline_task = std::size_t{16} << 10;
constexpr int module_shift = 40;

bool goes_inline(const BatchEncoder& encoder, const BatchContents& contents) {
  if (encoder.bytes() > largest_inline_payload) return false;
  for (const TaskPlace& task : contents.tasks) {
    if (task.bytes > largest_inline_task) return false;
  }
  return true;
}

}  // namespace

client::Over ZeromqBackend::everything(const Part& part) {
  client::Over over{};
  over.losses = part.losses;
  over.missing.resize(part.tasks.size());
  std::iota(over.missing.begin(), over.missing.end(), 0u);
  return over;
}

void ZeromqBackend::submit(Batch batch, OnDone on_done) {
  const auto count = static_cast<std::uint32_t>(batch.size());
  RemoteTasks* tasks = batch.elsewhere();
  if (tasks == nullptr) return on_done();
  auto* whole = new Whole{std::move(on_done), *tasks, count, Status()};
  state_.with([&](State& state) { state.wholes.insert(whole); });
  std::vector<std::uint32_t> all(count);
  std::iota(all.begin(), all.end(), 0u);
  send(*whole, std::move(all), 1, 0);
}

// Those that cannot be encoded are over at once.
void ZeromqBackend::send(Whole& whole, std::vector<std::uint32_t> tasks, std::uint32_t attempt,
                         std::uint32_t losses) {
  const Status trouble = state_.with([](State& state) {
    return state.aborted ? Status(StatusCode::cancelled, "aborted") : state.trouble;
  });
  if (!trouble.ok()) {
    if (whole.trouble.ok()) whole.trouble = trouble;
    return tasks_over(whole, static_cast<std::uint32_t>(tasks.size()));
  }
  std::uint32_t failed = 0;
  for (std::size_t next = 0; next != tasks.size();) {
    BatchEncoder encoder(*objects_, written_, max_nbytes_);
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
  batch.call = call_;
  batch.count = static_cast<std::uint32_t>(part.tasks.size());
  batch.losses = part.losses;
  try {
    add_modules(encoder);
    BatchContents& contents = encoder.contents();
    contents.attempt = part.attempt;
    batch.needs = encoder.needs();
    auto payload = std::make_shared<const std::string>(encode_payload(contents, encoder.tasks()));
    if (!goes_inline(encoder, contents)) {
      part.payload = objects_->offer_payload(payload);
      batch.needs.push_back(*part.payload);
      payload = std::make_shared<const std::string>(encode_payload_reference(*part.payload));
    }
    batch.payload = std::move(payload);
  } catch (...) {
    return fail_tasks(whole, part.tasks, part.attempt, std::current_exception());
  }
  part.ranges = encoder.take_ranges();
  batch.batch = cluster_->client.new_batch(call_);
  const bool aborted = state_.with([&](State& state) {
    if (!state.aborted) state.parts.emplace(batch.batch, std::move(part));
    return state.aborted;
  });
  if (aborted) {
    const client::Over over = everything(part);
    return settle(std::move(part), over);
  }
  cluster_->client.submit(std::move(batch));
}

// What has not begun, and what runs, is told to end; here, all of it counts as over at once. A part
// of which a result is being taken is in nobody's list: it is settled when that has happened.
void ZeromqBackend::abort() {
  const bool first = state_.with([](State& state) { return !std::exchange(state.aborted, true); });
  if (!first || call_ == 0) return;
  cluster_->client.cancel_call(call_);
  cluster_->client.exclusively([&] {
    auto parts = state_.with([](State& state) { return std::exchange(state.parts, {}); });
    for (auto& [batch, part] : parts) {
      const client::Over over = everything(part);
      settle(std::move(part), over);
    }
  });
}

void ZeromqBackend::tasks_over(Whole& whole, std::uint32_t count) {
  const bool last = state_.with([&](State& state) {
    whole.left -= count;
    if (whole.left == 0) state.wholes.erase(&whole);
    return whole.left == 0;
  });
  if (!last) return;
  OnDone on_done = std::move(whole.on_done);
  const Status trouble = whole.trouble;
  delete &whole;
  on_done(trouble);
}

}  // namespace paracord::cluster
