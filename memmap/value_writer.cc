#include "paracord/core/errors.h"
#include "paracord/memmap/hash_stream.h"
#include "paracord/memmap/value_file.h"
#include "paracord/memmap/value_format.h"

namespace paracord::detail {

namespace {

constexpr std::byte zeros[value_alignment]{};

void put_reference(Encoder& out, const BlockReference& reference) {
  out.put(reference.offset);
  out.put(reference.digest.high);
  out.put(reference.digest.low);
}

// The first time: notes what will be a block.
class Measuring final : public MemorySender {
 public:
  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess,
            const std::shared_ptr<const void>*) override {
    if (bytes == 0) return false;
    HashStream digest;
    digest.memory(data, bytes, nullptr);
    put_reference(out, {offset, digest.finish()});
    offset += aligned(bytes);
    ++count;
    return true;
  }
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override {
    return bytes >= least_block && send(out, data, bytes, MemoryAccess::read_only, nullptr);
  }

  std::uint64_t offset = 0, count = 0;
};

// The second time: writes the blocks, while they are there. The message is thrown away.
class Writing final : public MemorySender {
 public:
  explicit Writing(ByteSink& to) : to_(to) {}
  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess,
            const std::shared_ptr<const void>*) override {
    if (bytes == 0) return false;
    to_.write(data, bytes);
    to_.write(zeros, aligned(bytes) - bytes);
    put_reference(out, {offset, {}});
    offset += aligned(bytes);
    ++count;
    return true;
  }
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override {
    return bytes >= least_block && send(out, data, bytes, MemoryAccess::read_only, nullptr);
  }

  std::uint64_t offset = 0, count = 0;

 private:
  ByteSink& to_;
};

void refuse_views(const TypeText& type) {
  if (!type.holds_views()) return;
  refuse_to_encode("a " + type.text() +
                   " with views in it cannot be written to a file: who reads it would look at "
                   "memory that nobody owns; write containers or Arrays");
}

}  // namespace

std::uint64_t check_of(const ValueHeader& header) {
  return digest_of(&header, offsetof(ValueHeader, check)).low;
}

Digest body_digest(const void* type, std::size_t type_bytes, const void* message,
                   std::size_t message_bytes) {
  HashStream body;
  body.write(type, type_bytes);
  body.write(message, message_bytes);
  return body.finish();
}

void write_value(ByteSink& out, const TypeText& described, EncodeValue encode, const void* value) {
  refuse_views(described);
  const std::string& type = described.text();
  Measuring measured;
  Encoder message(&measured);
  encode(message, value);
  ValueHeader header;
  header.type_bytes = static_cast<std::uint32_t>(type.size());
  header.message_bytes = message.size();
  header.blocks_bytes = measured.offset;
  header.block_count = measured.count;
  header.body = body_digest(type.data(), type.size(), message.data(), message.size());
  header.check = check_of(header);
  // In one piece, as most values are small.
  Encoder start;
  start.put(header);
  start.write(type.data(), type.size());
  start.write(zeros, aligned(start.size()) - start.size());
  start.write(message.data(), message.size());
  start.write(zeros, aligned(start.size()) - start.size());
  out.write(start.data(), start.size());
  if (measured.count == 0) return;
  Writing written(out);
  message.clear();
  Encoder again(&written);
  encode(again, value);
  if (written.offset != measured.offset || written.count != measured.count) {
    refuse_to_encode("a " + type +
                     " was encoded twice, in different ways; its codec must write the same each "
                     "time");
  }
}

}  // namespace paracord::detail
