#include "paracord/memmap/array_codec.h"

#include <algorithm>
#include <array>

namespace paracord::detail {

namespace {

// How the elements lie in the memory that follows.
enum class Form : std::uint8_t { c, fortran, with_gaps };

MemoryAccess access_with_gaps(MemoryAccess access) {
  return access == MemoryAccess::read_only ? access : MemoryAccess::read_write_parts;
}

void put_layout(Encoder& out, Form form, const ArrayLayout& layout, std::ptrdiff_t first) {
  out.put(form);
  out.put(static_cast<std::uint8_t>(layout.shape.size()));
  for (const std::size_t length : layout.shape) out.put(std::uint64_t{length});
  if (form != Form::with_gaps) return;
  for (std::size_t axis = 0; axis != layout.shape.size(); ++axis) {
    out.put(std::int64_t{layout.strides[axis]});
  }
  out.put(std::int64_t{first});
}

// The number of elements, which may come from anywhere.
std::size_t count_received(const Shape& shape) {
  if (std::find(shape.begin(), shape.end(), std::size_t{0}) != shape.end()) return 0;
  std::size_t count = 1;
  for (const std::size_t length : shape) {
    if (__builtin_mul_overflow(count, length, &count))
      refuse_message("an array in it is too large");
  }
  return count;
}

// Throws where the elements of a view do not all have a place among `room`.
void check_places(const ArrayLayout& layout, std::int64_t first, std::size_t room) {
  bool inside = count_received(layout.shape) != 0;  // an empty one has no gaps
  __int128 lowest = first;
  __int128 highest = first;
  for (std::size_t axis = 0; inside && axis != layout.shape.size(); ++axis) {
    const __int128 reach = (static_cast<__int128>(layout.shape[axis]) - 1) * layout.strides[axis];
    (reach < 0 ? lowest : highest) += reach;
  }
  // Also of no dimensions, which are one element.
  if (!inside || lowest < 0 || highest >= static_cast<__int128>(room))
    refuse_message("a view in it leads out of its memory");
}

// Copies what a view with gaps looks at. With an owner of its own: the next copy may lie at the
// same address.
void encode_packed(Encoder& out, const void* first, const ArrayLayout& layout,
                   std::size_t element_bytes) {
  const std::size_t bytes = count_elements(layout.shape, element_bytes) * element_bytes;
  const std::shared_ptr<Buffer> packed = allocate_on_heap(bytes);
  pack(packed->data, first, layout, element_bytes);
  put_layout(out, Form::c, layout, 0);
  const std::shared_ptr<const void> owner = packed;
  out.memory(packed->data, bytes, MemoryAccess::read_only, &owner);
}

}  // namespace

void encode_array(Encoder& out, const void* first, const ArrayLayout& layout,
                  std::size_t element_bytes, MemoryAccess access,
                  const std::shared_ptr<const void>* owner) {
  for (const Order order : {Order::c, Order::fortran}) {
    if (!is_contiguous(layout, order)) continue;
    put_layout(out, order == Order::c ? Form::c : Form::fortran, layout, 0);
    const std::size_t bytes = count_elements(layout.shape, element_bytes) * element_bytes;
    return out.memory(first, bytes, access, owner);
  }
  const Extent extent = extent_of(layout);
  const auto* lowest = static_cast<const std::byte*>(first) +
                       extent.lowest * static_cast<std::ptrdiff_t>(element_bytes);
  const std::size_t spanned =
      static_cast<std::size_t>(extent.behind - extent.lowest) * element_bytes;
  if (access == MemoryAccess::read_only && !find_buffer(lowest, spanned)) {
    return encode_packed(out, first, layout, element_bytes);
  }
  put_layout(out, Form::with_gaps, layout, -extent.lowest);
  out.memory(lowest, spanned, access_with_gaps(access), owner);
}

DecodedArray decode_array(Decoder& in, const ElementType& element, MemoryAccess access,
                          std::shared_ptr<void>* owner) {
  const auto form = in.get<Form>();
  const auto dimensions = in.get<std::uint8_t>();
  if (form > Form::with_gaps) refuse_message("an array in it has an unknown form");
  if (dimensions > max_dimensions) refuse_message("an array in it has too many dimensions");
  ArrayLayout layout;
  const std::array<std::size_t, max_dimensions> unknown{};
  layout.shape = Shape(std::span(unknown).first(dimensions));
  for (std::size_t axis = 0; axis != dimensions; ++axis) {
    layout.shape[axis] = static_cast<std::size_t>(in.get<std::uint64_t>());
  }
  std::int64_t first = 0;
  if (form == Form::with_gaps) {
    for (std::size_t axis = 0; axis != dimensions; ++axis) {
      layout.strides[axis] = in.get<std::int64_t>();
    }
    first = in.get<std::int64_t>();
  }
  const Decoder::Memory memory =
      in.memory(form == Form::with_gaps ? access_with_gaps(access) : access, owner,
                element.alignment, element.unit);
  const std::size_t elements = memory.bytes / element.bytes;
  if (memory.bytes % element.bytes != 0) refuse_message("an array in it ends within an element");
  if (form == Form::with_gaps) {
    check_places(layout, first, elements);
  } else {
    if (count_received(layout.shape) != elements) {
      refuse_message("an array in it has another size than its memory");
    }
    layout = make_layout(layout.shape, form == Form::c ? Order::c : Order::fortran);
  }
  auto* data = static_cast<std::byte*>(memory.data);
  if (first != 0) data += first * static_cast<std::ptrdiff_t>(element.bytes);
  return {data, memory.data, layout, memory.bytes, memory.writable, memory.foreign};
}

}  // namespace paracord::detail
