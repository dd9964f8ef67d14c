#include "paracord/memmap/buffer.h"

#include <algorithm>
#include <map>
#include <new>
#include <stdexcept>
#include <utility>

#include "paracord/core/guarded.h"
#include "paracord/core/huge_pages.h"

namespace paracord::detail {

namespace {

// For every vector instruction, and for every element: the bytes of elements are a multiple of what
// they need to be aligned to, be it as much as a page.
std::align_val_t alignment_of(std::size_t bytes) {
  constexpr std::size_t vector = 64, page = 4096;
  if (bytes >= least_for_huge_pages) return std::align_val_t(huge_page);
  return std::align_val_t(std::clamp(bytes & -bytes, vector, page));
}

struct Heap final : Buffer {
  explicit Heap(std::size_t size) : alignment(alignment_of(size)) {
    data = static_cast<std::byte*>(::operator new(size, alignment));
    bytes = size;
    prefer_huge_pages(data, size);
  }
  ~Heap() override {
    if (frozen) forget_buffer(*this);
    ::operator delete(data, alignment);
  }

  const std::align_val_t alignment;
};

struct Adopted final : Buffer {
  explicit Adopted(std::shared_ptr<void> from) : owner(std::move(from)) {}
  ~Adopted() override {
    if (frozen) forget_buffer(*this);
  }
  void flush() override {  // where it is memory of a mapped file
    const auto held = find_buffer(data, bytes);
    if (held && held->buffer.get() != this) held->buffer->flush();
  }
  const std::shared_ptr<void> owner;
};

struct Registered {
  const Buffer* address;  // also when it is about to go
  std::weak_ptr<Buffer> buffer;
};
using Buffers = std::map<const std::byte*, Registered>;  // by first byte

// Never destroyed: arrays may outlive the static objects.
Guarded<Buffers>& registered_buffers() {
  static auto& buffers = *new Guarded<Buffers>;
  return buffers;
}

std::atomic<Allocate> current_allocator = &allocate_on_heap;

}  // namespace

std::optional<HeldMemory> find_buffer(const void* data, std::size_t bytes) {
  const auto* first = static_cast<const std::byte*>(data);
  // Let go of outside the lock: the last owner's destructor takes it again.
  std::shared_ptr<Buffer> buffer = registered_buffers().with([&](Buffers& buffers) {
    const auto behind = buffers.upper_bound(first);
    return behind == buffers.begin() ? nullptr : std::prev(behind)->second.buffer.lock();
  });
  if (buffer == nullptr) return std::nullopt;
  const auto skipped = static_cast<std::size_t>(first - buffer->data);
  if (skipped > buffer->bytes || bytes > buffer->bytes - skipped) return std::nullopt;
  return HeldMemory{std::move(buffer), skipped};
}

void register_buffer(const std::shared_ptr<Buffer>& buffer) {
  registered_buffers().with([&](Buffers& buffers) {
    buffers.insert_or_assign(buffer->data, Registered{buffer.get(), buffer});
  });
}

void forget_buffer(const Buffer& buffer) {
  registered_buffers().with([&](Buffers& buffers) {
    const auto found = buffers.find(buffer.data);
    if (found != buffers.end() && found->second.address == &buffer) buffers.erase(found);
  });
}

void freeze(const std::shared_ptr<Buffer>& buffer) {
  if (buffer->frozen.exchange(true) || buffer->bytes == 0) return;
  const auto held = find_buffer(buffer->data, buffer->bytes);
  if (!held) return register_buffer(buffer);
  // What lies in a file is found already: by this buffer, or by the one that it was adopted from.
  // That never changes again either, if there is nothing else in it.
  if (held->skipped == 0 && held->buffer->bytes == buffer->bytes) held->buffer->frozen = true;
}

std::shared_ptr<Buffer> allocate_buffer(std::size_t bytes) {
  return current_allocator.load()(bytes);
}

void set_allocator(Allocate allocate) {
  current_allocator = allocate;
}

std::shared_ptr<Buffer> allocate_on_heap(std::size_t bytes) {
  return std::make_shared<Heap>(bytes);
}

std::shared_ptr<Buffer> adopt_memory(std::shared_ptr<void> owner, void* data, std::size_t bytes,
                                     bool writable) {
  auto buffer = std::make_shared<Adopted>(std::move(owner));
  buffer->data = static_cast<std::byte*>(data);
  buffer->bytes = bytes;
  buffer->writable = writable;
  return buffer;
}

void check_writable(const Buffer& buffer) {
  if (buffer.frozen) {
    throw std::logic_error(
        "an array that was frozen cannot be changed; change a copy(), or freeze it later");
  }
  if (!buffer.writable) {
    throw std::logic_error(
        "an array in read-only memory cannot be changed; change a copy(), map the file with "
        "MmapMode::read_write or MmapMode::copy_on_write, or look at it through a const Array");
  }
}

}  // namespace paracord::detail
