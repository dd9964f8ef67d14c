#include "paracord/transport/object_name.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace paracord::cluster {

namespace {

ObjectId id_of(const std::vector<Digest>& chunks, std::uint64_t bytes) {
  const XXH128_hash_t hash =
      XXH3_128bits_withSeed(chunks.data(), chunks.size() * sizeof(Digest), bytes);
  return {{hash.low64, hash.high64}, bytes};
}

}  // namespace

Digest digest_of(std::span<const std::byte> bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

bool ObjectTable::is_consistent() const {
  return id_of(chunks, id.bytes) == id;
}

std::shared_ptr<const ObjectTable> name_object(std::span<const std::byte> bytes) {
  auto table = std::make_shared<ObjectTable>();
  for (std::size_t at = 0; at < bytes.size(); at += chunk_bytes)
    table->chunks.push_back(digest_of(bytes.subspan(at, std::min(chunk_bytes, bytes.size() - at))));
  table->id = id_of(table->chunks, bytes.size());
  return table;
}

}  // namespace paracord::cluster
