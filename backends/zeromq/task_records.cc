#include "paracord/backends/zeromq/task_records.h"

#include <cstring>
#include <new>

#include "paracord/core/codec.h"
#include "paracord/core/copy_bytes.h"

namespace paracord::cluster {

std::shared_ptr<std::byte[]> aligned_memory(std::size_t bytes) {
  constexpr auto alignment = std::align_val_t(Encoder::memory_alignment);
  auto* memory = static_cast<std::byte*>(::operator new(bytes == 0 ? 1 : bytes, alignment));
  return {memory, [=](std::byte* data) { ::operator delete(data, alignment); }};
}

void RecordWriter::add(TaskRecord record, std::span<const std::byte> body) {
  while (bodies_.size() % Encoder::memory_alignment != 0) bodies_.put(std::byte{0});
  record.body_begin = bodies_.size();
  record.body_bytes = body.size();
  bodies_.write(body.data(), body.size());
  records_.push_back(std::move(record));
}

std::vector<std::uint32_t> RecordWriter::tasks() const {
  std::vector<std::uint32_t> tasks;
  for (const TaskRecord& record : records_) tasks.push_back(record.task);
  return tasks;
}

// The bodies come first: so they are aligned where the payload is.
std::string RecordWriter::take() {
  const std::uint64_t bodies = bodies_.size();
  detail::encode(bodies_, records_);
  bodies_.put(bodies);
  std::string payload(reinterpret_cast<const char*>(bodies_.data()), bodies_.size());
  bodies_.clear();
  records_.clear();
  return payload;
}

RecordReader::RecordReader(const std::string& payload) : memory_(aligned_memory(payload.size())) {
  std::uint64_t bodies = 0;
  if (payload.size() < sizeof bodies) detail::refuse_message("results end too early");
  detail::copy_bytes(memory_.get(), payload.data(), payload.size());
  const std::size_t end = payload.size() - sizeof bodies;
  std::memcpy(&bodies, memory_.get() + end, sizeof bodies);
  if (bodies > end) detail::refuse_message("results lead out of their message");
  Decoder in(memory_.get() + bodies, end - bodies);
  records_ = detail::decode<std::vector<TaskRecord>>(in);
  for (const TaskRecord& record : records_) {
    if (record.end > TaskEnd::failed) detail::refuse_message("a task ended in an unknown way");
    if (record.body_begin > bodies || record.body_bytes > bodies - record.body_begin)
      detail::refuse_message("a result leads out of its message");
    if (record.body_is_object && record.objects.empty())
      detail::refuse_message("a result names no object");
  }
}

std::span<const std::byte> RecordReader::body(const TaskRecord& record) const {
  return {memory_.get() + record.body_begin, record.body_bytes};
}

}  // namespace paracord::cluster
