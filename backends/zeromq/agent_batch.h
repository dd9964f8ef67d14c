#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "paracord/backends/zeromq/batch_payload.h"
#include "paracord/backends/zeromq/task_records.h"
#include "paracord/core/batch.h"
#include "paracord/core/guarded.h"
#include "paracord/core/remote_tasks.h"
#include "paracord/memmap/buffer.h"

namespace paracord::cluster {

/// A result's memory, where it lies on this node.
struct ResultMemory {
  const std::byte* data = nullptr;
  std::size_t bytes = 0;
  std::shared_ptr<const void> owner;
};

/// A task that has ended on this node.
struct EndedTask {
  Attempt attempt{};
  TaskRecord record;
  std::string body;
  std::string trouble;               ///< of a task that failed, for people
  std::vector<ResultMemory> memory;  ///< what the record's objects will be: not named yet
};

/// One batch of a client on its node, as the backend of local processes sees it: its tasks are
/// copied from the payload, with references to where this node has their objects.
///
/// Threads: one at a time, as RemoteTasks says.
class AgentBatch final : public BatchWork, public RemoteTasks {
 public:
  /// Told of each task that has ended, by whoever collects results; with the last one the batch is
  /// about to be over.
  using OnEnded = std::function<void(EndedTask, bool is_last)>;
  AgentBatch(Assign assign, std::string host, bool timed, OnEnded on_ended);

  const Assign& assign() const { return assign_; }
  const Attempt& attempt() const { return assign_.attempt; }
  /// What is needed before it can run: the payload itself, where that is an object.
  const std::optional<ObjectId>& payload_object() const { return payload_object_; }
  /// Reads the payload, which `owner` keeps. Throws SerializationError.
  void open(std::span<const std::byte> payload, std::shared_ptr<const void> owner);
  const BatchContents& contents() const { return payload_->contents; }
  /// What its tasks refer to as objects, in the order of the contents' references. What is writable
  /// is the client's own memory: tasks write to it. Of the rest they write to copies.
  void use(std::vector<std::shared_ptr<detail::Buffer>> memory) { memory_ = std::move(memory); }
  /// Its tasks need not be told of any more.
  void forget() { forgotten_.store(true); }

  std::int64_t ran_nanoseconds() const { return ran_.load(); }
  /// The first task that has not ended.
  std::uint32_t next();

  // --- as the backend sees it ---
  std::size_t size() const override { return assign_.batch.count; }
  void run() noexcept override {}
  RemoteTasks* elsewhere() noexcept override { return this; }
  bool timed() const override { return timed_; }
  bool stopped() const override { return forgotten_.load(); }
  bool are_relayed() const override { return true; }
  int first_attempt() const override { return static_cast<int>(payload_->contents.attempt); }
  std::size_t place_of(std::size_t index) const override;
  std::array<std::uint64_t, 2> assignment() const override {
    return {assign_.attempt.epoch, assign_.attempt.counter};
  }
  bool encode(std::size_t index, Encoder& out) noexcept override;
  void relay_writes(std::size_t index, Decoder& writes) noexcept override;
  void succeeded(std::size_t index, Decoder& result, const RemoteRun& run) noexcept override;
  Verdict threw(std::size_t index, Decoder& error, const RemoteRun& run) noexcept override;
  Verdict failed(std::size_t index, std::exception_ptr error,
                 const RemoteRun& run) noexcept override;
  void measured(std::size_t count, std::chrono::nanoseconds ran) noexcept override;

 private:
  void encode_task(std::size_t index, Encoder& out);
  EndedTask ended(std::size_t index, TaskEnd end, const RemoteRun& run);
  void tell(EndedTask task);

  const Assign assign_;
  const std::string host_;
  const bool timed_;
  const OnEnded on_ended_;
  std::optional<ObjectId> payload_object_;
  std::shared_ptr<const void> payload_owner_;
  std::optional<BatchPayload> payload_;
  std::vector<std::size_t> first_reference_;  // of each task
  std::vector<std::shared_ptr<detail::Buffer>> memory_;
  std::map<std::size_t, std::string> writes_;
  detail::Guarded<std::vector<bool>> over_;
  std::size_t left_ = 0;  // of those that are not over, with their lock
  std::atomic<std::int64_t> ran_{0};
  std::atomic<bool> forgotten_{false};
};

}  // namespace paracord::cluster
