#include "paracord/memmap/sharing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "paracord/core/errors.h"

namespace paracord::detail {

// --- sending ---

ArenaStore::Lease CallMemory::store(ArenaStore& arenas, const void* data, std::size_t bytes,
                                    const std::shared_ptr<const void>* owner) {
  // Under the lock: whoever comes second waits for the first one's copy in place of making one.
  return stored_.with([&](std::map<Key, Stored>& stored) {
    const auto found = stored.find({data, bytes});
    if (found != stored.end()) {
      const bool same =
          !found->second.owned || (owner != nullptr && found->second.owner.lock() == *owner);
      if (same) return found->second.lease;
      stored.erase(found);
    }
    // What was stored for memory that is gone goes first.
    std::erase_if(stored, [](const auto& entry) {
      return entry.second.owned && entry.second.owner.expired();
    });
    ArenaStore::Lease lease = arenas.store(data, bytes);
    Stored made{lease, {}, owner != nullptr};
    if (owner != nullptr) made.owner = *owner;
    stored.emplace(Key{data, bytes}, std::move(made));
    return lease;
  });
}

void CallMemory::clear() {
  stored_.with([](auto& stored) { stored.clear(); });
}

ArenaStore::Lease SharedRoom::take(std::size_t bytes) {
  usual_bytes_ = bytes;
  ArenaStore::cut(lease_, bytes);
  return std::exchange(lease_, nullptr);
}

// With room to grow, as a vector has; where there is little memory, no more than is needed.
std::span<std::byte> SharedRoom::move(const std::byte* held, std::size_t used, std::size_t bytes) {
  ArenaStore::Lease wider;
  try {
    wider = arenas_->allocate(std::max({bytes, 2 * used, std::exchange(usual_bytes_, 0)}));
  } catch (const BackendUnavailable&) {
    wider = arenas_->allocate(bytes);
  }
  if (used != 0) std::memcpy(wider->data(), held, used);
  lease_ = std::move(wider);
  return {lease_->data(), lease_->bytes};
}

void SharingSender::refer(Encoder& out, const ArenaStore::Lease& lease) {
  post_.announce(lease->arena->number, lease->arena->fd);
  out.put(lease->arena->number);
  out.put(std::uint64_t{lease->offset});
  if (lend_) {
    lend_(lease->arena->number, lease->offset, lease);
  } else if (kept_ != nullptr) {
    kept_->push_back(lease);
  }
}

void SharingSender::refer_to_mapped(Encoder& out, const HeldMemory& held,
                                    const std::shared_ptr<const void>* owner) {
  const Buffer& buffer = *held.buffer;
  const std::uint64_t offset = buffer.offset + held.skipped;
  post_.announce(buffer.file_number, buffer.fd);
  out.put(buffer.file_number);
  out.put(offset);
  if (lend_ && owner != nullptr) lend_(buffer.file_number, offset, *owner);
}

// Under the lock: whoever comes second waits for the first one's copy in place of making one.
void SharingSender::refer_to_twin(Encoder& out, const HeldMemory& held) {
  Buffer& buffer = *held.buffer;
  const Buffer::Twin twin = buffer.twin.with([&](Buffer::Twin& made) {
    if (made.owner == nullptr) {
      const ArenaStore::Lease lease = arenas_->store(buffer.data, buffer.bytes);
      made = {lease, lease->arena->number, lease->arena->fd, lease->offset};
    }
    return made;
  });
  const std::uint64_t offset = twin.offset + held.skipped;
  post_.announce(twin.file_number, twin.fd);
  out.put(twin.file_number);
  out.put(offset);
  if (lend_) {
    lend_(twin.file_number, offset, twin.owner);
  } else if (kept_ != nullptr) {
    kept_->push_back(twin.owner);
  }
}

bool SharingSender::note(std::size_t place) {
  if (places_ != nullptr) places_->push_back(place - Encoder::reference_head);
  return true;
}

bool SharingSender::send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
                         const std::shared_ptr<const void>* owner) {
  if (bytes == 0) return false;
  const std::size_t place = out.size();
  if (const auto held = find_buffer(data, bytes)) {
    if (access != MemoryAccess::read_only && !held->is_writable()) {
      refuse_to_encode(
          "a mutable view of memory that is mapped read-only or copy-on-write, or of a frozen "
          "array, cannot travel: what the task writes would not reach the caller; map the file "
          "with MmapMode::read_write, or take a const view");
    }
    if (held->is_mapped()) {
      refer_to_mapped(out, *held, owner);
      // Its place here, for what comes back.
      if (access != MemoryAccess::read_only) out.put(reinterpret_cast<std::uint64_t>(data));
      return note(place);
    }
    if (bytes <= max_nbytes_) return false;
    refer_to_twin(out, *held);
    return note(place);
  }
  if (access != MemoryAccess::read_only || bytes <= max_nbytes_) return false;
  refer(out, call_memory_ != nullptr ? call_memory_->store(*arenas_, data, bytes, owner)
                                     : arenas_->store(data, bytes));
  return note(place);
}

bool SharingSender::send_copy(Encoder& out, const void* data, std::size_t bytes) {
  if (bytes == 0 || bytes <= max_nbytes_) return false;
  const std::size_t place = out.size();
  refer(out, arenas_->store(data, bytes));
  return note(place);
}

// --- receiving ---

struct SharingReceiver::File {
  File(std::uint32_t number, int fd) : number(number), fd(fd) {
    struct stat about {};
    if (fstat(fd, &about) == 0) bytes = static_cast<std::size_t>(about.st_size);
  }
  File(const File&) = delete;
  ~File() {
    for (void* mapping : {read_only, read_write}) {
      if (mapping != nullptr) munmap(mapping, bytes);
    }
    close(fd);
  }
  bool writable() const { return (fcntl(fd, F_GETFL) & O_ACCMODE) == O_RDWR; }
  void* map(MemoryAccess access) {
    void*& mapping = access == MemoryAccess::read_only ? read_only : read_write;
    if (mapping != nullptr) return mapping;
    const int protection = access == MemoryAccess::read_only ? PROT_READ : PROT_READ | PROT_WRITE;
    void* mapped = mmap(nullptr, bytes, protection, MAP_SHARED, fd, 0);
    if (mapped == MAP_FAILED) {
      throw BackendUnavailable("shared memory of " + std::to_string(bytes) +
                               " bytes cannot be mapped: " + std::strerror(errno));
    }
    return mapping = mapped;
  }

  const std::uint32_t number;  // the sender's for it
  const std::uint32_t own_number = next_file_number();
  const int fd;
  std::size_t bytes = 0;
  void* read_only = nullptr;
  void* read_write = nullptr;
};

// A result that lies in the memory of the worker that made it. It can be sent on from there.
struct SharingReceiver::Borrowed final : Buffer {
  Borrowed(std::shared_ptr<File> from, std::uint64_t place, Release how)
      : file(std::move(from)), release(std::move(how)) {
    fd = file->fd;
    file_number = file->own_number;
    offset = place;
  }
  ~Borrowed() override {
    forget_buffer(*this);
    release(file->number, offset);
  }
  const std::shared_ptr<File> file;
  const Release release;
};

SharingReceiver::~SharingReceiver() = default;

void SharingReceiver::add(std::uint32_t number, int fd) {
  auto file = std::make_shared<File>(number, fd);
  files_.with([&](auto& files) { files.insert_or_assign(number, std::move(file)); });
}

void SharingReceiver::forget(std::uint32_t number) {
  files_.with([&](auto& files) { files.erase(number); });
}

std::shared_ptr<SharingReceiver::File> SharingReceiver::find(std::uint32_t number) {
  const auto look = [&] {
    return files_.with([&](auto& files) {
      const auto found = files.find(number);
      return found == files.end() ? nullptr : found->second;
    });
  };
  auto file = look();
  if (file == nullptr && fetch_) {
    fetch_();
    file = look();
  }
  if (file == nullptr) refuse_message("it refers to shared memory that was not announced");
  return file;
}

SharingReceiver::Received SharingReceiver::receive(Decoder& in, std::size_t bytes,
                                                   MemoryAccess access, std::size_t unit,
                                                   std::shared_ptr<void>* owner) {
  const auto number = in.get<std::uint32_t>();
  const auto offset = in.get<std::uint64_t>();
  const std::shared_ptr<File> file = find(number);
  if (offset > file->bytes || bytes > file->bytes - offset)
    refuse_message("it refers to a place beyond the end of shared memory");
  const std::uint64_t place_there = access == MemoryAccess::read_only ? 0 : in.get<std::uint64_t>();
  if (place_there != 0 && drafts_ != nullptr) {
    const auto* original =
        static_cast<const std::byte*>(file->map(MemoryAccess::read_only)) + offset;
    return {drafts_->add(place_there, {original, bytes, file->fd, offset}, unit), true};
  }
  // What a result lies in belongs to its receiver; but it may lie in a file that the worker had
  // opened to read.
  const bool wants_to_write = access != MemoryAccess::read_only || (release_ && owner != nullptr);
  const bool writable = wants_to_write && file->writable();
  const bool only_reads = access == MemoryAccess::read_only && !writable;
  void* data = static_cast<std::byte*>(
                   file->map(only_reads ? MemoryAccess::read_only : MemoryAccess::read_write)) +
               offset;
  if (owner == nullptr) {
    if (release_) lent_.push_back({number, offset});
    return {data, writable};
  }
  if (!release_) {
    *owner = std::shared_ptr<void>(file, data);
    return {data, writable};
  }
  const auto buffer = std::make_shared<Borrowed>(file, offset, release_);
  buffer->data = static_cast<std::byte*>(data);
  buffer->bytes = bytes;
  buffer->writable = buffer->shared = writable;
  register_buffer(buffer);
  *owner = buffer;
  return {data, writable};
}

void SharingReceiver::message_ends() {
  for (const Lent& lent : std::exchange(lent_, {})) release_(lent.file, lent.offset);
}

}  // namespace paracord::detail
