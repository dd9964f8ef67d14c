#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "paracord/core/encoder.h"
#include "paracord/core/guarded.h"
#include "paracord/memmap/arena_store.h"
#include "paracord/memmap/buffer.h"
#include "paracord/memmap/drafts.h"

/// Memory that goes from process to process by reference: the sender names a file that both can
/// map, and a place in it.
namespace paracord::detail {

/// Hands the descriptors of files to one peer.
class FilePost {
 public:
  virtual ~FilePost() = default;
  /// Makes sure that the peer has this file, before the message that is being written reaches it.
  virtual void announce(std::uint32_t file, int fd) = 0;
};

/// What was stored for one call: the same memory is stored once, however many tasks look at it.
///
/// Threads: any.
class CallMemory {
 public:
  ArenaStore::Lease store(ArenaStore& arenas, const void* data, std::size_t bytes,
                          const std::shared_ptr<const void>* owner);
  void clear();

 private:
  struct Key {
    const void* data;
    std::size_t bytes;
    auto operator<=>(const Key&) const = default;
  };
  struct Stored {
    ArenaStore::Lease lease;
    std::weak_ptr<const void> owner;  // of memory that may end before the call does
    bool owned;
  };
  Guarded<std::map<Key, Stored>> stored_;
};

/// Shared memory in which messages to a peer are written that are too long for its channel.
///
/// Threads: one.
class SharedRoom final : public MessageRoom {
 public:
  explicit SharedRoom(std::size_t least_bytes) : least_bytes_(least_bytes) {}
  /// From now on memory is had from here.
  void store_in(ArenaStore* arenas) { arenas_ = arenas; }
  /// The memory of the message that was written, of `bytes`. The next message gets other memory.
  ArenaStore::Lease take(std::size_t bytes);

  std::size_t least_bytes() const override { return least_bytes_; }
  std::span<std::byte> move(const std::byte* held, std::size_t used, std::size_t bytes) override;

 private:
  const std::size_t least_bytes_;
  ArenaStore* arenas_ = nullptr;
  ArenaStore::Lease lease_;
  std::size_t usual_bytes_ = 0;  // of a message: as the last one
};

/// Writes the references of one message to one peer.
///
/// Threads: one.
class SharingSender final : public MemorySender {
 public:
  /// What must stay while the message is in use.
  using Kept = std::vector<std::shared_ptr<const void>>;
  /// What becomes of memory that the message refers to and that has an owner here.
  using Lend = std::function<void(std::uint32_t file, std::uint64_t offset,
                                  std::shared_ptr<const void> owner)>;

  SharingSender(FilePost& post, std::size_t max_nbytes) : post_(post), max_nbytes_(max_nbytes) {}

  /// From now on memory is stored here.
  void store_in(ArenaStore* arenas) { arenas_ = arenas; }
  void lend_with(Lend lend) { lend_ = std::move(lend); }
  /// The next message is of a call that keeps memory here, and shares what is larger than this;
  /// what belongs to the message alone is added to `kept`.
  void begin_message(CallMemory& memory, std::size_t max_nbytes, Kept& kept) {
    call_memory_ = &memory;
    max_nbytes_ = max_nbytes;
    kept_ = &kept;
  }

  /// From now on the places in the message at which references begin are added to these.
  void note_places_in(std::vector<std::uint64_t>* places) { places_ = places; }

  bool send(Encoder& out, const void* data, std::size_t bytes, MemoryAccess access,
            const std::shared_ptr<const void>* owner) override;
  bool send_copy(Encoder& out, const void* data, std::size_t bytes) override;

 private:
  bool note(std::size_t place);
  void refer(Encoder& out, const ArenaStore::Lease& lease);
  void refer_to_mapped(Encoder& out, const HeldMemory& held,
                       const std::shared_ptr<const void>* owner);
  void refer_to_twin(Encoder& out, const HeldMemory& held);

  ArenaStore* arenas_ = nullptr;
  FilePost& post_;
  std::size_t max_nbytes_;
  CallMemory* call_memory_ = nullptr;
  Lend lend_;
  Kept* kept_ = nullptr;
  std::vector<std::uint64_t>* places_ = nullptr;
};

/// The files that a peer has announced, mapped where they are first needed.
///
/// Threads: add() from any; the rest one at a time.
class SharingReceiver final : public MemoryReceiver {
 public:
  /// Says that memory which the peer lent is not needed any more.
  using Release = std::function<void(std::uint32_t file, std::uint64_t offset)>;

  explicit SharingReceiver(Release release = {}) : release_(std::move(release)) {}
  ~SharingReceiver() override;

  /// Takes over the descriptor.
  void add(std::uint32_t file, int fd);
  void forget(std::uint32_t file);
  /// Called where a file is not known yet: adds what has been announced by now.
  void fetch_with(std::function<void()> fetch) { fetch_ = std::move(fetch); }

  /// From now on memory to be written to is copied here, or (null) written where it lies: as it is
  /// always where the message says of no place in its caller's process.
  void write_to(Drafts* drafts) { drafts_ = drafts; }

  Received receive(Decoder& in, std::size_t bytes, MemoryAccess access, std::size_t unit,
                   std::shared_ptr<void>* owner) override;
  /// The end of the message: memory that it lent without an owner is not needed any more.
  void message_ends();

 private:
  struct File;
  struct Borrowed;
  std::shared_ptr<File> find(std::uint32_t number);
  Guarded<std::unordered_map<std::uint32_t, std::shared_ptr<File>>> files_;
  struct Lent {
    std::uint32_t file;
    std::uint64_t offset;
  };
  std::vector<Lent> lent_;
  Release release_;
  std::function<void()> fetch_;
  Drafts* drafts_ = nullptr;
};

}  // namespace paracord::detail
