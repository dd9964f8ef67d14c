#include "paracord/core/encoder.h"

#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "paracord/core/errors.h"
#include "paracord/core/huge_pages.h"

namespace paracord {

namespace {

// How memory stands in a message.
enum class Form : std::uint8_t { here, by_reference };

constexpr std::size_t smallest_room = 1024;
constexpr std::size_t usual_room = std::size_t{1} << 20;
constexpr std::size_t large_contents = std::size_t{4} << 10;

}  // namespace

namespace detail {

void refuse_message(const char* what) {
  throw SerializationError(std::string("a message cannot be read: ") + what);
}

void refuse_to_encode(const std::string& what) {
  throw SerializationError(what);
}

void refuse_depth() {
  refuse_to_encode("a value holds others too deep (the limit is " + std::to_string(deepest) +
                   ", and the stack), or itself, round a circle of pointers; send what it is made "
                   "of in a container, with indexes in place of the pointers");
}

namespace {

struct Stack {
  const char* lowest = nullptr;
  const char* highest = nullptr;
};

Stack stack_of_this_thread() {
  pthread_attr_t about;
  if (pthread_getattr_np(pthread_self(), &about) != 0) return {};
  void* lowest = nullptr;
  std::size_t bytes = 0;
  const bool known = pthread_attr_getstack(&about, &lowest, &bytes) == 0;
  pthread_attr_destroy(&about);
  if (!known) return {};
  return {static_cast<const char*>(lowest), static_cast<const char*>(lowest) + bytes};
}

}  // namespace

bool stack_is_short() {
  static thread_local const Stack stack = stack_of_this_thread();
  const auto* here = static_cast<const char*>(__builtin_frame_address(0));
  if (here < stack.lowest || here >= stack.highest) return false;  // somebody's own stack
  constexpr std::ptrdiff_t spare = std::ptrdiff_t{256} << 10;
  return here - stack.lowest < std::min(spare, (stack.highest - stack.lowest) / 4);
}

}  // namespace detail

Encoder::~Encoder() {
  std::free(own_.data());
}

void Encoder::clear() {
  if (own_.size() > usual_room) {
    std::free(own_.data());
    own_ = {};
  }
  begin_ = next_ = own_.data();
  end_ = begin_ + own_.size();
}

void Encoder::grow(std::size_t bytes) {
  const std::size_t used = size();
  std::size_t wanted =
      std::max({smallest_room, 2 * static_cast<std::size_t>(end_ - begin_), used + bytes});
  std::span<std::byte> room;
  if (room_ != nullptr && used + bytes > room_->least_bytes()) {
    room = room_->move(begin_, used, used + bytes);
  } else {
    if (room_ != nullptr) wanted = std::min(wanted, room_->least_bytes());
    void* moved = std::realloc(own_.data(), wanted);
    if (moved == nullptr) throw std::bad_alloc();
    room = own_ = {static_cast<std::byte*>(moved), wanted};
  }
  begin_ = room.data();
  next_ = begin_ + used;
  end_ = begin_ + room.size();
}

// Zeros up to the next place where memory may begin.
void Encoder::pad() {
  const std::size_t missing = (memory_alignment - size() % memory_alignment) % memory_alignment;
  std::memset(extend(missing), 0, missing);
}

void Encoder::memory(const void* data, std::size_t bytes, MemoryAccess access,
                     const std::shared_ptr<const void>* owner) {
  const std::size_t start = size();
  put(Form::by_reference);
  put(static_cast<std::uint64_t>(bytes));
  if (sender_ != nullptr && sender_->send(*this, data, bytes, access, owner)) return;
  truncate(start);
  if (access != MemoryAccess::read_only && bytes != 0) {
    detail::refuse_to_encode(
        "a mutable view of ordinary memory cannot travel: what the task writes would be lost; let "
        "it look at a writable memory-mapped array, or return the values");
  }
  put(Form::here);
  put(static_cast<std::uint64_t>(bytes));
  if (bytes == 0) return;
  pad();
  write(data, bytes);
}

void Encoder::contents(const void* data, std::size_t bytes) {
  const std::size_t start = size();
  put(Form::by_reference);
  put(static_cast<std::uint64_t>(bytes));
  if (sender_ != nullptr &&
      (borrowing_ ? sender_->send(*this, data, bytes, MemoryAccess::read_only, nullptr)
                  : sender_->send_copy(*this, data, bytes))) {
    return;
  }
  truncate(start);
  put(Form::here);
  put(static_cast<std::uint64_t>(bytes));
  write(data, bytes);
}

namespace {

bool is_aligned(const void* data, std::size_t alignment) {
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

std::shared_ptr<void> copy_aligned(const void* data, std::size_t bytes, std::size_t alignment) {
  const auto aligned = std::align_val_t(std::max(alignment, Encoder::memory_alignment));
  std::shared_ptr<void> copy(::operator new(bytes, aligned),
                             [=](void* memory) { ::operator delete(memory, aligned); });
  detail::copy_bytes(copy.get(), data, bytes);
  return copy;
}

}  // namespace

Decoder::Memory Decoder::memory(MemoryAccess access, std::shared_ptr<void>* owner,
                                std::size_t alignment, std::size_t unit) {
  const auto form = get<Form>();
  const auto bytes = static_cast<std::size_t>(get<std::uint64_t>());
  if (form == Form::by_reference) {
    if (receiver_ == nullptr) detail::refuse_message("it refers to memory that is not shared here");
    const auto received = receiver_->receive(*this, bytes, access, unit, owner);
    Memory memory{received.data, bytes, received.writable, received.foreign};
    if (received.reaches_file && !is_aligned(memory.data, alignment)) {
      detail::refuse_message(
          "its elements need to be aligned as no mapped file is; load it without mmap_mode");
    }
    align(memory, access, owner, alignment);
    return memory;
  }
  if (form != Form::here) detail::refuse_message("its memory has an unknown form");
  if (bytes == 0) return {nullptr, 0, true};
  const std::size_t at = static_cast<std::size_t>(next_ - begin_) % Encoder::memory_alignment;
  (void)take((Encoder::memory_alignment - at) % Encoder::memory_alignment);
  const std::byte* data = take(bytes);
  Memory memory{const_cast<std::byte*>(data), bytes, false, true};
  if (owner == nullptr) {
    align(memory, access, owner, alignment);
    return memory;
  }
  *owner = copy_aligned(data, bytes, alignment);
  return {owner->get(), bytes, true, true};
}

// Messages, and files, know of no alignment above that of memory in messages.
void Decoder::align(Memory& memory, MemoryAccess access, std::shared_ptr<void>* owner,
                    std::size_t alignment) {
  if (is_aligned(memory.data, alignment)) return;
  if (access != MemoryAccess::read_only)
    detail::refuse_message("memory that is written to is not aligned as its elements need it");
  std::shared_ptr<void> copy = copy_aligned(memory.data, memory.bytes, alignment);
  memory.data = copy.get();
  if (owner != nullptr) {
    *owner = std::move(copy);
    memory.writable = true;
  } else {
    aligned_.push_back(std::move(copy));
  }
}

Decoder::Memory Decoder::contents() {
  const auto form = get<Form>();
  const auto bytes = static_cast<std::size_t>(get<std::uint64_t>());
  if (bytes >= large_contents) detail::expect_large_blocks();
  if (form == Form::by_reference) {
    if (receiver_ == nullptr) detail::refuse_message("it refers to memory that is not shared here");
    return {receiver_->receive(*this, bytes, MemoryAccess::read_only, 1, nullptr).data, bytes};
  }
  if (form != Form::here) detail::refuse_message("its contents have an unknown form");
  return {const_cast<std::byte*>(take(bytes)), bytes};
}

}  // namespace paracord
