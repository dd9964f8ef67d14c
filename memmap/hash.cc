#include "paracord/memmap/hash.h"

#ifdef __x86_64__
#include <xxh_x86dispatch.h>
#else
#include <xxhash.h>
#endif
#include <fcntl.h>

#include <cstdio>
#include <map>
#include <tuple>

namespace paracord {

std::string Digest::to_string() const {
  char text[33];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(high),
                static_cast<unsigned long long>(low));
  return text;
}

namespace detail {

namespace {

// What is smaller is hashed faster than remembered.
constexpr std::size_t least_remembered = std::size_t{64} << 10;

struct Known {
  std::weak_ptr<Buffer> buffer;
  Digest digest;
};
// By buffer, place and length. An address may come again: the weak pointer tells.
using KnownDigests = std::map<std::tuple<const Buffer*, const void*, std::size_t>, Known>;
struct Table {
  KnownDigests digests;
  std::size_t sweep_at = 64;  // entries
};

// Never destroyed: values may be hashed while the program ends.
Guarded<Table>& known_digests() {
  static auto& table = *new Guarded<Table>;
  return table;
}

bool is_sealed(const Buffer& buffer) {
#ifdef F_GET_SEALS
  const int seals = buffer.fd < 0 ? -1 : fcntl(buffer.fd, F_GET_SEALS);
  return seals >= 0 && (seals & F_SEAL_WRITE) != 0;
#else
  return false;
#endif
}

void sweep(Table& table) {
  if (table.digests.size() < table.sweep_at) return;
  std::erase_if(table.digests, [](const auto& item) { return item.second.buffer.expired(); });
  table.sweep_at = 2 * table.digests.size() + 64;
}

Digest remembered_digest(const std::shared_ptr<Buffer>& buffer, const void* data,
                         std::size_t bytes) {
  const std::tuple key(static_cast<const Buffer*>(buffer.get()), data, bytes);
  const auto known = known_digests().with([&](const Table& table) -> std::optional<Digest> {
    const auto found = table.digests.find(key);
    if (found == table.digests.end() || found->second.buffer.lock() != buffer) return std::nullopt;
    return found->second.digest;
  });
  if (known) return *known;
  const Digest digest = digest_of(data, bytes);
  known_digests().with([&](Table& table) {
    sweep(table);
    table.digests.insert_or_assign(key, Known{buffer, digest});
  });
  return digest;
}

bool never_changes(const std::shared_ptr<Buffer>& buffer) {
  return buffer != nullptr && (buffer->frozen || is_sealed(*buffer));
}

}  // namespace

Digest digest_of(const void* data, std::size_t bytes) {
#ifdef __x86_64__
  const XXH128_hash_t hash = XXH3_128bits_dispatch(data, bytes);
#else
  const XXH128_hash_t hash = XXH3_128bits(data, bytes);
#endif
  return {hash.high64, hash.low64};
}

// What was written so far becomes its digest.
void HashStream::fold() {
  const Digest before = finish();
  used_ = 0;
  put_digest(before);
}

void HashStream::write_long(const void* data, std::size_t bytes) {
  put_digest(digest_of(data, bytes));
}

void HashStream::memory(const void* data, std::size_t bytes,
                        const std::shared_ptr<Buffer>* buffer) {
  if (bytes < least_remembered) return write(data, bytes);
  std::shared_ptr<Buffer> holder;
  if (buffer != nullptr) holder = *buffer;
  if (!never_changes(holder)) {
    const auto held = find_buffer(data, bytes);
    holder = held ? held->buffer : nullptr;
  }
  put_digest(never_changes(holder) ? remembered_digest(holder, data, bytes)
                                   : digest_of(data, bytes));
}

// Follows the memory's length, which the encoder wrote.
struct HashEncoder::Sender final : MemorySender {
  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess,
            const std::shared_ptr<const void>*) override {
    out.put(digest_of(data, bytes));
    return true;
  }
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override {
    out.put(digest_of(data, bytes));
    return true;
  }
};

HashEncoder::HashEncoder() : sender_(std::make_unique<Sender>()), encoder_(sender_.get()) {}
HashEncoder::~HashEncoder() = default;

}  // namespace detail
}  // namespace paracord
