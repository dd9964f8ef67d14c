#include "paracord/backends/zeromq/batch_payload.h"

#include <cstring>

#include "paracord/core/codec.h"
#include "paracord/transport/object_name.h"

namespace paracord::cluster {

namespace {

constexpr std::uint64_t is_elsewhere = ~std::uint64_t{0};
constexpr std::size_t alignment = Encoder::memory_alignment;

std::size_t aligned(std::size_t bytes) {
  return (bytes + alignment - 1) / alignment * alignment;
}

void check(bool right, const char* what) {
  if (!right) detail::refuse_message(what);
}

}  // namespace

ObjectId name_of_memory(const ObjectId& copy, std::uint64_t address) {
  Encoder out;
  out.put(copy.digest);
  out.put(copy.bytes);
  out.put(address);
  return {digest_of({out.data(), out.size()}), copy.bytes};
}

std::size_t reference_bytes(MemoryAccess access) {
  const std::size_t bytes = Encoder::reference_head + sizeof(std::uint32_t) + sizeof(std::uint64_t);
  return access == MemoryAccess::read_only ? bytes : bytes + sizeof(std::uint64_t);
}

std::string encode_payload(const BatchContents& contents, std::span<const std::byte> tasks) {
  Encoder head;
  head.put(std::uint64_t{0});
  detail::encode(head, contents);
  head.overwrite(0, std::uint64_t{head.size()});
  const std::size_t begin = aligned(head.size());
  std::string payload;
  payload.reserve(begin + tasks.size());  // and nothing is written twice: it may be long
  payload.append(reinterpret_cast<const char*>(head.data()), head.size());
  payload.resize(begin);
  payload.append(reinterpret_cast<const char*>(tasks.data()), tasks.size());
  return payload;
}

std::string encode_payload_reference(const ObjectId& object) {
  Encoder out;
  out.put(is_elsewhere);
  detail::encode(out, object);
  return {reinterpret_cast<const char*>(out.data()), out.size()};
}

std::optional<ObjectId> referred_payload(const std::string& payload) {
  Decoder in(payload.data(), payload.size());
  if (in.get<std::uint64_t>() != is_elsewhere) return std::nullopt;
  return detail::decode<ObjectId>(in);
}

BatchPayload::BatchPayload(std::span<const std::byte> payload, const Submit& batch) {
  Decoder in(payload.data(), payload.size());
  const auto head = in.get<std::uint64_t>();
  contents = detail::decode<BatchContents>(in);
  const std::size_t begin = aligned(static_cast<std::size_t>(head));
  check(head <= payload.size() && begin <= payload.size(), "a batch ends too early");
  tasks = payload.subspan(begin);
  check(contents.tasks.size() == batch.count, "a batch has another number of tasks than it says");
  for (const TaskPlace& task : contents.tasks) {
    check(task.begin <= tasks.size() && task.bytes <= tasks.size() - task.begin,
          "a task leads out of its batch");
    check(task.bytes >= sizeof(std::uint64_t), "a task names no function");
  }
  std::uint32_t last_task = 0;
  std::uint64_t free_from = 0;  // in that task
  for (const ReferencePlace& reference : contents.references) {
    check(reference.task < batch.count && reference.task >= last_task,
          "references are out of order");
    if (reference.task != last_task) free_from = 0;
    last_task = reference.task;
    check(reference.access <= MemoryAccess::read_write_parts, "a reference has no known access");
    const std::uint64_t room = contents.tasks[reference.task].bytes;
    const std::uint64_t length = reference_bytes(reference.access);
    check(
        reference.place >= free_from && reference.place <= room && length <= room - reference.place,
        "a reference leads out of its task");
    free_from = reference.place + length;
    check(reference.object < batch.needs.size(), "a reference names no object");
    const std::uint64_t whole = batch.needs[reference.object].bytes;
    check(reference.offset <= whole && reference.bytes <= whole - reference.offset,
          "a reference leads out of its object");
  }
}

}  // namespace paracord::cluster
