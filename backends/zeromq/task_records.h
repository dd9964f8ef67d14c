#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/encoder.h"
#include "paracord/core/errors.h"

/// What a node tells of the tasks that have ended: the payload of Results.
namespace paracord::cluster {

enum class TaskEnd : std::uint8_t {
  result,       ///< `body`: what the function returned
  error,        ///< `body`: what encode_current_exception() wrote
  worker_lost,  ///< `text`, `loss`
  timed_out,    ///< `text`
  failed        ///< `text`: it could not run
};

struct TaskRecord {
  std::uint32_t task = 0;
  TaskEnd end = TaskEnd::result;
  std::int32_t worker = 0, pid = 0;
  std::int64_t ran_nanoseconds = 0;
  std::string text;
  WorkerLoss loss{};
  std::vector<ObjectId> objects;  ///< that the body refers to, in the order of the references
  bool body_is_object = false;    ///< the last of the objects is the body
  /// The first bytes of a result's body: what the task wrote to memory of the client, as
  /// Drafts::encode wrote it.
  std::uint64_t writes_bytes = 0;
  std::uint64_t body_begin = 0, body_bytes = 0;  ///< in the payload

  /// Where in the body what the function returned begins.
  std::size_t result_begin() const {
    constexpr std::size_t alignment = Encoder::memory_alignment;
    return (static_cast<std::size_t>(writes_bytes) + alignment - 1) / alignment * alignment;
  }
};

/// Collects the records of one message.
///
/// Threads: one.
class RecordWriter {
 public:
  /// `body` is copied; its bounds in `record` are set here.
  void add(TaskRecord record, std::span<const std::byte> body);
  bool empty() const { return records_.empty(); }
  std::size_t bytes() const { return bodies_.size(); }
  std::vector<std::uint32_t> tasks() const;
  /// The whole payload. It is empty again.
  std::string take();

 private:
  std::vector<TaskRecord> records_;
  Encoder bodies_;
};

/// A payload as read, in memory that is aligned for what the bodies hold. Throws
/// SerializationError.
class RecordReader {
 public:
  explicit RecordReader(const std::string& payload);
  const std::vector<TaskRecord>& records() const { return records_; }
  std::span<const std::byte> body(const TaskRecord& record) const;
  /// Keeps the bodies.
  std::shared_ptr<const void> owner() const { return memory_; }

 private:
  std::vector<TaskRecord> records_;
  std::shared_ptr<std::byte[]> memory_;
};

/// Memory for `bytes`, aligned as messages want it.
std::shared_ptr<std::byte[]> aligned_memory(std::size_t bytes);

}  // namespace paracord::cluster
