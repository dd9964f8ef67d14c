#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "paracord/core/cluster_messages.h"
#include "paracord/core/encoder.h"
#include "paracord/core/entry.h"

/// What a batch's payload holds: tasks as Delayed::encode wrote them, and where in them references
/// to objects stand. The node puts its own references there, and need not understand the rest.
namespace paracord::cluster {

/// A module whose functions the tasks name, as it is at the client.
struct ModuleUse {
  std::uint32_t number = 0;  ///< 0: the executable, which the call's setup describes
  std::string path;
  std::uint64_t device = 0, inode = 0;
  std::uint64_t entries = 0;  ///< digest of where its entries stand
  ObjectId content{};         ///< of the file, where it is shipped
  std::string sha256;
};

struct TaskPlace {
  std::uint64_t begin = 0, bytes = 0;  ///< from the beginning of all tasks
};

/// One reference in a task.
struct ReferencePlace {
  std::uint32_t task = 0;
  MemoryAccess access = MemoryAccess::read_only;
  std::uint64_t place = 0;              ///< of its head, from the beginning of the task
  std::uint32_t object = 0;             ///< among the batch's needs
  std::uint64_t offset = 0, bytes = 0;  ///< in the object
  std::uint64_t address = 0;            ///< of memory to be written to: where it lies at the client
};

struct BatchContents {
  std::uint32_t attempt = 1;  ///< of all its tasks, as this_worker() tells it
  std::vector<ModuleUse> modules;
  std::vector<TaskPlace> tasks;
  std::vector<ReferencePlace> references;  ///< in order of task and place
};

/// Under which name a client tells nodes of its machine where memory lies that tasks write to:
/// `address` there, and copied as the object `copy`. No bytes are sent under it.
ObjectId name_of_memory(const ObjectId& copy, std::uint64_t address);

/// How long a reference is that stands in a message, its head included.
std::size_t reference_bytes(MemoryAccess access);

std::string encode_payload(const BatchContents& contents, std::span<const std::byte> tasks);

/// The payload of a batch that is an object itself, since it is large.
std::string encode_payload_reference(const ObjectId& object);

/// Reads what encode_payload_reference() wrote; none: it is the payload itself. Throws
/// SerializationError.
std::optional<ObjectId> referred_payload(const std::string& payload);

/// A payload as read. Throws SerializationError for one that contradicts itself, or `batch`.
struct BatchPayload {
  BatchPayload(std::span<const std::byte> payload, const Submit& batch);
  BatchContents contents;
  std::span<const std::byte> tasks;  ///< in the payload
};

}  // namespace paracord::cluster
