#include "paracord/memmap/sharing.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

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

bool SharingSender::send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
                         const std::shared_ptr<const void>* owner) {
  if (bytes == 0) return false;
  if (const auto place = find_mapped(data, bytes)) {
    if (access == MemoryAccess::read_write && !place->writable) {
      refuse_to_encode(
          "a mutable view of memory that is mapped read-only, or copy-on-write, cannot travel: "
          "what the task writes would not reach the file; map it with MmapMode::read_write, or "
          "take a const view");
    }
    post_.announce(place->buffer->file_number, place->fd);
    out.put(place->buffer->file_number);
    out.put(place->offset);
    if (lend_ && owner != nullptr) lend_(place->buffer->file_number, place->offset, *owner);
    return true;
  }
  if (access == MemoryAccess::read_write || bytes <= max_nbytes_) return false;
  refer(out, call_memory_ != nullptr ? call_memory_->store(*arenas_, data, bytes, owner)
                                     : arenas_->store(data, bytes));
  return true;
}

bool SharingSender::send_copy(Encoder& out, const void* data, std::size_t bytes) {
  if (bytes == 0 || bytes <= max_nbytes_) return false;
  refer(out, arenas_->store(data, bytes));
  return true;
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

  const std::uint32_t number;
  const int fd;
  std::size_t bytes = 0;
  void* read_only = nullptr;
  void* read_write = nullptr;
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
                                                   MemoryAccess access,
                                                   std::shared_ptr<void>* owner) {
  const auto number = in.get<std::uint32_t>();
  const auto offset = in.get<std::uint64_t>();
  const std::shared_ptr<File> file = find(number);
  if (offset > file->bytes || bytes > file->bytes - offset)
    refuse_message("it refers to a place beyond the end of shared memory");
  // What a result lies in belongs to its receiver.
  const MemoryAccess mapped = release_ && owner != nullptr ? MemoryAccess::read_write : access;
  const bool writable = mapped == MemoryAccess::read_write && file->writable();
  // A result may lie in a file that the worker had opened to read.
  const bool only_reads = access == MemoryAccess::read_only && !writable;
  void* data = static_cast<std::byte*>(
                   file->map(only_reads ? MemoryAccess::read_only : MemoryAccess::read_write)) +
               offset;
  if (owner == nullptr) {
    if (release_) lent_.push_back({number, offset});
    return {data, writable};
  }
  if (release_) {
    *owner = std::shared_ptr<void>(
        data, [file, offset, release = release_](void*) { release(file->number, offset); });
  } else {
    *owner = std::shared_ptr<void>(file, data);
  }
  return {data, writable};
}

void SharingReceiver::message_ends() {
  for (const Lent& lent : std::exchange(lent_, {})) release_(lent.file, lent.offset);
}

}  // namespace paracord::detail
