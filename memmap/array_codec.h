#pragma once

#include <type_traits>

#include "paracord/core/codec.h"
#include "paracord/memmap/array.h"

/// Arrays and views in messages: the layout, and the memory as Encoder::memory() sends it. A view
/// with gaps goes by reference where all that it spans is mapped; else, where it is const, as a
/// copy without them.
namespace paracord {

namespace detail {

void encode_array(Encoder& out, const void* first, const ArrayLayout& layout,
                  std::size_t element_bytes, MemoryAccess access,
                  const std::shared_ptr<const void>* owner);

struct DecodedArray {
  void* first;         ///< aligned as the elements need
  const void* memory;  ///< all of it, with the gaps
  ArrayLayout layout;
  std::size_t bytes;
  bool writable;
  bool foreign;  ///< its bytes may be anything
};
/// What is asked of the memory of elements; see Decoder::memory().
struct ElementType {
  std::size_t bytes, alignment, unit;
};
template <class T>
inline constexpr ElementType element_type = {sizeof(T), alignof(T), written_unit<T>};
/// Throws SerializationError where the layout leads out of the memory.
DecodedArray decode_array(Decoder& in, const ElementType& element, MemoryAccess access,
                          std::shared_ptr<void>* owner);

/// Throws SerializationError for a bool that is neither 0 nor 1.
template <class T>
void check_bools(const DecodedArray& got) {
  if constexpr (is_flat_memory<T>) {
    if (!got.foreign || !holds_bool<T>()) return;
    if (!bools_hold(static_cast<const T*>(got.memory), got.bytes / sizeof(T)))
      refuse_message("a bool in it is neither true nor false");
  }
}

template <class T>
concept ArrayElement = std::is_trivially_copyable_v<T> && !std::is_pointer_v<T>;

}  // namespace detail

/// In the receiver its elements can be changed where that reaches nobody else: a result's always,
/// an argument's where it came in the message itself.
template <detail::ArrayElement T>
struct Codec<Array<T>> {
  static constexpr bool shows_elements = true;
  static void encode(Encoder& out, const Array<T>& array) {
    const std::shared_ptr<const void> owner = array.buffer();
    detail::encode_array(out, array.data(), array.layout(), sizeof(T), MemoryAccess::read_only,
                         &owner);
  }
  static Array<T> decode(Decoder& in) {
    std::shared_ptr<void> owner;
    const auto got =
        detail::decode_array(in, detail::element_type<T>, MemoryAccess::read_only, &owner);
    detail::check_bools<T>(got);
    const bool c_order = detail::is_contiguous(got.layout, Order::c);
    auto buffer = detail::adopt_memory(std::move(owner), got.first, got.bytes, got.writable);
    buffer->guarded = !got.writable;
    return Array<T>(std::move(buffer), got.layout.shape, c_order ? Order::c : Order::fortran);
  }
};

template <class T>
requires detail::ArrayElement<std::remove_const_t<T>>
struct Codec<ArrayView<T>> {
  static constexpr bool shows_elements = true;
  static constexpr auto access =
      std::is_const_v<T> ? MemoryAccess::read_only : MemoryAccess::read_write;
  static void encode(Encoder& out, const ArrayView<T>& view) {
    detail::encode_array(out, view.data(), view.layout(), sizeof(T), access, nullptr);
  }
  static ArrayView<T> decode(Decoder& in) {
    const auto got =
        detail::decode_array(in, detail::element_type<std::remove_const_t<T>>, access, nullptr);
    detail::check_bools<std::remove_const_t<T>>(got);
    return {static_cast<T*>(got.first), got.layout};
  }
};

}  // namespace paracord
