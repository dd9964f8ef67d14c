#include <unistd.h>

#include <algorithm>
#include <new>
#include <stdexcept>

#include "paracord/core/errors.h"
#include "paracord/core/huge_pages.h"
#include "paracord/memmap/hash_stream.h"
#include "paracord/memmap/new_file.h"
#include "paracord/memmap/read_ahead.h"
#include "paracord/memmap/value_file.h"
#include "paracord/memmap/value_format.h"

namespace paracord::detail {

namespace {

[[noreturn]] void refuse(const ReadOptions& options, const std::string& what) {
  throw std::runtime_error("'" + options.name + "' cannot be read: " + what);
}

[[noreturn]] void refuse_short(const ReadOptions& options) {
  refuse(options, "it ends too early; was it cut off?");
}

Digest digest_of_block(const void* data, std::size_t bytes) {
  HashStream digest;
  digest.memory(data, bytes, nullptr);
  return digest.finish();
}

// Gives each block its place in memory, in the order in which they stand in the file.
class Blocks final : public MemoryReceiver {
 public:
  Blocks(ByteSource& in, const ReadOptions& options, const ValueHeader& header, std::uint64_t first)
      : in_(in), options_(options), header_(header), first_(first) {}

  Received receive(Decoder& in, std::size_t bytes, MemoryAccess, std::size_t,
                   std::shared_ptr<void>* owner) override {
    BlockReference reference{};
    reference.offset = in.get<std::uint64_t>();
    reference.digest.high = in.get<std::uint64_t>();
    reference.digest.low = in.get<std::uint64_t>();
    if (reference.offset != next_ || bytes == 0 || bytes > header_.blocks_bytes - next_ ||
        aligned(bytes) > header_.blocks_bytes - next_) {
      refuse(options_, "its parts do not stand where they should");
    }
    next_ += aligned(bytes);
    ++count_;
    if (owner == nullptr) return {contents(reference, bytes), false, true};
    std::shared_ptr<Buffer> buffer =
        options_.mmap_mode ? map(reference, bytes) : read(reference, bytes);
    const Received received{buffer->data, buffer->writable, true,
                            options_.mmap_mode == MmapMode::read_write};
    *owner = std::move(buffer);
    return received;
  }

  void check_complete() const {
    if (next_ != header_.blocks_bytes || count_ != header_.block_count)
      refuse(options_, "it has parts that belong nowhere");
  }

 private:
  // Of a container, which copies them at once.
  std::byte* contents(const BlockReference& reference, std::size_t bytes) {
    if (options_.file == nullptr) {
      scratch_ = read(reference, bytes);
    } else {  // the pages are the system's, and no memory of ours
      scratch_ = map_file(options_.file, MmapMode::read, first_ + reference.offset, bytes);
      check(reference, scratch_->data, bytes);
      skip(aligned(bytes));
    }
    return scratch_->data;
  }

  std::shared_ptr<Buffer> read(const BlockReference& reference, std::size_t bytes) {
    std::shared_ptr<Buffer> buffer = allocate_buffer(bytes);
    std::optional<PageMaker> pages;
    if (options_.makes_pages && bytes >= least_for_huge_pages) pages.emplace(buffer->data, bytes);
    if (!in_.read(buffer->data, bytes)) refuse_short(options_);
    skip(aligned(bytes) - bytes);
    check(reference, buffer->data, bytes);
    return buffer;
  }

  std::shared_ptr<Buffer> map(const BlockReference& reference, std::size_t bytes) {
    auto buffer = map_file(options_.file, *options_.mmap_mode, first_ + reference.offset, bytes);
    skip(aligned(bytes));
    if (options_.freeze_mapped) freeze(buffer);
    if (options_.verify_mapped) check(reference, buffer->data, bytes);
    return buffer;
  }

  void skip(std::size_t bytes) {
    if (!in_.skip(bytes)) refuse_short(options_);
  }

  void check(const BlockReference& reference, const void* data, std::size_t bytes) {
    if (header_.changed == 0 && digest_of_block(data, bytes) != reference.digest)
      refuse(options_, "an array or container in it is damaged");
  }

  ByteSource& in_;
  const ReadOptions& options_;
  const ValueHeader& header_;
  const std::uint64_t first_;  // of the blocks in the file
  std::uint64_t next_ = 0, count_ = 0;
  std::shared_ptr<Buffer> scratch_;
};

void check_sizes(const ValueHeader& header, const ReadOptions& options) {
  if (header.type_bytes > most_type_text) refuse(options, "its header is damaged");
  const std::uint64_t start = aligned(sizeof header + header.type_bytes);
  const std::uint64_t most = std::min(options.max_bytes, std::uint64_t{1} << 62);
  if (header.message_bytes > most || header.blocks_bytes > most - header.message_bytes) {
    refuse(options, "it says that it holds " + std::to_string(header.message_bytes) + " + " +
                        std::to_string(header.blocks_bytes) + " bytes, more than the limit");
  }
  const std::uint64_t total = start + aligned(header.message_bytes) + header.blocks_bytes;
  if (options.available && total > *options.available) refuse_short(options);
  if (options.available && total < *options.available)
    refuse(options, "there is more behind its end");
}

ValueHeader read_header(ByteSource& in, const ReadOptions& options) {
  ValueHeader header;
  if (!in.read(&header, sizeof header)) refuse_short(options);
  if (header.magic != value_magic)
    refuse(options, "it holds no value that paracord::dump() wrote, or not in this format");
  if (header.version != ValueHeader().version) {
    refuse(options, "it was written in version " + std::to_string(header.version) +
                        " of the format; this program knows " +
                        std::to_string(ValueHeader().version));
  }
  if (header.check != check_of(header)) refuse(options, "its header is damaged");
  check_sizes(header, options);
  return header;
}

void check_type(const std::string& held, const std::string& wanted, const ReadOptions& options) {
  if (held == wanted || (!options.first_type.empty() && held == options.first_type)) return;
  refuse(options,
         "it holds a " + held + ", but a " + wanted + " was asked for; load it as what it is");
}

// What is written through a mapping reaches the file, and leaves the digests behind.
void mark_changed(ValueHeader header, const ReadOptions& options) {
  header.changed = 1;
  header.check = check_of(header);
  const auto at = static_cast<off_t>(options.offset);
  if (pwrite(options.file->fd(), &header, sizeof header, at) != sizeof header)
    refuse_file("written", options.name);
}

void read_all(ByteSource& in, const ReadOptions& options, const std::string& type,
              DecodeValue decode, void* place) {
  const ValueHeader header = read_header(in, options);
  std::string held(header.type_bytes, '\0');
  if (!in.read(held.data(), held.size())) refuse_short(options);
  const std::uint64_t start = aligned(sizeof header + header.type_bytes);
  if (!in.skip(start - sizeof header - held.size())) refuse_short(options);
  alignas(value_alignment) std::byte usual[512];
  std::shared_ptr<Buffer> large;
  const auto bytes = static_cast<std::size_t>(header.message_bytes);
  if (bytes > sizeof usual) large = allocate_on_heap(bytes);
  std::byte* message = large ? large->data : usual;
  if (!in.read(message, bytes) || !in.skip(aligned(bytes) - bytes)) refuse_short(options);
  if (body_digest(held.data(), held.size(), message, bytes) != header.body)
    refuse(options, "it is damaged");
  check_type(held, type, options);
  if (options.mmap_mode == MmapMode::read_write && header.changed == 0)
    mark_changed(header, options);
  Blocks blocks(in, options, header, options.offset + start + aligned(bytes));
  Decoder decoder(message, bytes, &blocks);
  decode(decoder, place);
  if (decoder.left() != 0) refuse(options, "there is more in it than a " + type);
  blocks.check_complete();
  std::byte behind;
  if (!options.available && in.read_some(&behind, 1) != 0)
    refuse(options, "there is more behind its end");
}

}  // namespace

void read_value(ByteSource& in, const ReadOptions& options, const std::string& type,
                DecodeValue decode, void* place) {
  try {
    read_all(in, options, type, decode, place);
  } catch (const SerializationError& error) {
    refuse(options, error.what());
  } catch (const std::length_error&) {
    refuse(options, "a length in it is larger than memory");
  } catch (const std::bad_alloc&) {
    refuse(options, "there is too little memory for what it says that it holds");
  }
}

}  // namespace paracord::detail
