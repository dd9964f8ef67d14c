#include "paracord/core/encoder.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "paracord/core/errors.h"

namespace paracord {

namespace {

// How memory stands in a message.
enum class Form : std::uint8_t { here, by_reference };

constexpr std::size_t smallest_room = 1024;
constexpr std::size_t usual_room = std::size_t{1} << 20;

}  // namespace

namespace detail {

void refuse_message(const char* what) {
  throw SerializationError(std::string("a message cannot be read: ") + what);
}

void refuse_to_encode(const std::string& what) {
  throw SerializationError(what);
}

}  // namespace detail

Encoder::~Encoder() {
  std::free(begin_);
}

void Encoder::clear() {
  next_ = begin_;
  if (static_cast<std::size_t>(end_ - begin_) <= usual_room) return;
  std::free(begin_);
  begin_ = next_ = end_ = nullptr;
}

void Encoder::grow(std::size_t bytes) {
  const std::size_t used = size();
  const std::size_t room =
      std::max({smallest_room, 2 * static_cast<std::size_t>(end_ - begin_), used + bytes});
  void* moved = std::realloc(begin_, room);
  if (moved == nullptr) throw std::bad_alloc();
  begin_ = static_cast<std::byte*>(moved);
  next_ = begin_ + used;
  end_ = begin_ + room;
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

Decoder::Memory Decoder::memory(MemoryAccess access, std::shared_ptr<void>* owner) {
  const auto form = get<Form>();
  const auto bytes = static_cast<std::size_t>(get<std::uint64_t>());
  if (form == Form::by_reference) {
    if (receiver_ == nullptr) detail::refuse_message("it refers to memory that is not shared here");
    const auto received = receiver_->receive(*this, bytes, access, owner);
    return {received.data, bytes, received.writable};
  }
  if (form != Form::here) detail::refuse_message("its memory has an unknown form");
  if (bytes == 0) return {nullptr, 0, true};
  const std::size_t at = static_cast<std::size_t>(next_ - begin_) % Encoder::memory_alignment;
  (void)take((Encoder::memory_alignment - at) % Encoder::memory_alignment);
  const std::byte* data = take(bytes);
  if (owner == nullptr) return {const_cast<std::byte*>(data), bytes};
  const auto alignment = std::align_val_t(Encoder::memory_alignment);
  *owner = std::shared_ptr<void>(::operator new(bytes, alignment),
                                 [=](void* copy) { ::operator delete(copy, alignment); });
  std::memcpy(owner->get(), data, bytes);
  return {owner->get(), bytes, true};
}

Decoder::Memory Decoder::contents() {
  const auto form = get<Form>();
  const auto bytes = static_cast<std::size_t>(get<std::uint64_t>());
  if (form == Form::by_reference) {
    if (receiver_ == nullptr) detail::refuse_message("it refers to memory that is not shared here");
    return {receiver_->receive(*this, bytes, MemoryAccess::read_only, nullptr).data, bytes};
  }
  if (form != Form::here) detail::refuse_message("its contents have an unknown form");
  return {const_cast<std::byte*>(take(bytes)), bytes};
}

}  // namespace paracord
