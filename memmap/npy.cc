#include "paracord/memmap/npy.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <stdexcept>
#include <string_view>

#include "paracord/memmap/npy_dictionary.h"

namespace paracord::detail {

namespace {

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::size_t version_at = 6, length_at = 8;

[[noreturn]] void refuse(const std::string& name, const std::string& what) {
  throw std::runtime_error("the file " + name + " cannot be read as .npy: " + what);
}

std::uint8_t byte_at(std::span<const std::byte> start, std::size_t at) {
  return std::to_integer<std::uint8_t>(start[at]);
}

// Of the header's length: two bytes in version 1, four later.
std::size_t length_bytes(std::span<const std::byte> start, const std::string& name) {
  if (start.size() < length_at) refuse(name, "it ends within its first 8 bytes");
  if (std::memcmp(start.data(), magic.data(), magic.size()) != 0) {
    refuse(name, "it does not begin with \\x93NUMPY; was it written by numpy.save or dump()?");
  }
  const std::uint8_t version = byte_at(start, version_at);
  const std::uint8_t minor = byte_at(start, version_at + 1);
  if (version < 1 || version > 3 || minor != 0) {
    refuse(name, "its format version is " + std::to_string(version) + "." + std::to_string(minor) +
                     "; known are 1.0, 2.0 and 3.0");
  }
  return version == 1 ? 2 : 4;
}

struct KnownType {
  char letter;
  std::uint8_t bytes;
};
constexpr KnownType known_types[] = {{'b', 1}, {'i', 1}, {'i', 2}, {'i', 4}, {'i', 8},
                                     {'u', 1}, {'u', 2}, {'u', 4}, {'u', 8}, {'f', 4},
                                     {'f', 8}, {'c', 8}, {'c', 16}};

[[noreturn]] void refuse_type(const std::string& name, const std::string& descr) {
  refuse(name, "its dtype is " + descr +
                   "; known are bool, int8…int64, uint8…uint64, float32, float64, complex64 and "
                   "complex128: convert it in NumPy with astype(), or save the fields one by one");
}

// "<f8": byte order, kind, bytes.
void read_type(NpyHeader& header, const std::string& descr, const std::string& name) {
  const std::string quoted = "'" + descr + "'";
  if (descr.size() < 3 || descr.size() > 4) refuse_type(name, quoted);
  const char order = descr[0];
  unsigned bytes = 0;
  for (const char digit : descr.substr(2)) {
    if (digit < '0' || digit > '9') refuse_type(name, quoted);
    bytes = bytes * 10 + static_cast<unsigned>(digit - '0');
  }
  const bool known =
      std::any_of(std::begin(known_types), std::end(known_types),
                  [&](const KnownType& k) { return k.letter == descr[1] && k.bytes == bytes; });
  if (!known || std::string_view("<>|=").find(order) == std::string_view::npos) {
    refuse_type(name, quoted);
  }
  header.type = {descr[1], static_cast<std::uint8_t>(bytes)};
  if (order == '|' && bytes != 1) refuse_type(name, quoted);
  constexpr char foreign = std::endian::native == std::endian::little ? '>' : '<';
  header.swapped = order == foreign && bytes != 1;
}

}  // namespace

std::string to_string(const NpyType& type) {
  const std::string bits = std::to_string(8 * type.bytes);
  switch (type.kind) {
    case 'b':
      return "bool";
    case 'i':
      return "int" + bits;
    case 'u':
      return "uint" + bits;
    case 'f':
      return "float" + bits;
    default:
      return "complex" + bits;
  }
}

std::uint64_t NpyHeader::data_bytes() const {
  return std::uint64_t{count_elements(shape, type.bytes)} * type.bytes;
}

std::size_t npy_header_bytes(std::span<const std::byte> start, const std::string& name) {
  const std::size_t digits = length_bytes(start, name);
  if (start.size() < length_at + digits) refuse(name, "it ends within its header");
  std::size_t length = 0;
  for (std::size_t i = 0; i != digits; ++i) {
    length |= std::size_t{byte_at(start, length_at + i)} << (8 * i);  // little-endian
  }
  if (length > most_npy_header) {
    refuse(name, "its header has " + std::to_string(length) + " bytes; at most " +
                     std::to_string(most_npy_header) + " are read");
  }
  return length_at + digits + length;
}

NpyHeader parse_npy_header(std::span<const std::byte> start, const std::string& name) {
  const std::size_t total = npy_header_bytes(start, name);
  if (start.size() < total) refuse(name, "it ends within its header");
  const std::size_t text_at = length_at + length_bytes(start, name);
  const std::string_view text(reinterpret_cast<const char*>(start.data()) + text_at,
                              total - text_at);
  const NpyDictionary dictionary = parse_npy_dictionary(text);
  if (!dictionary.error.empty()) refuse(name, dictionary.error);
  if (dictionary.structured) refuse_type(name, dictionary.descr);
  NpyHeader header;
  read_type(header, dictionary.descr, name);
  header.order = dictionary.fortran_order ? Order::fortran : Order::c;
  header.shape = dictionary.shape;
  header.data_offset = total;
  return header;
}

std::string write_npy_header(const NpyType& type, const Shape& shape, Order order) {
  constexpr char native = std::endian::native == std::endian::little ? '<' : '>';
  std::string text = "{'descr': '";
  text += type.bytes == 1 ? '|' : native;
  text += type.kind + std::to_string(type.bytes) + "', 'fortran_order': ";
  text += order == Order::fortran ? "True" : "False";
  text += ", 'shape': " + to_string(shape) + ", }";
  // At most eight lengths: version 1 always suffices.
  const std::size_t unpadded = length_at + 2 + text.size() + 1;
  text.append((npy_alignment - unpadded % npy_alignment) % npy_alignment, ' ');
  text += '\n';
  std::string header(magic);
  header +=
      {'\1', '\0', static_cast<char>(text.size() & 0xff), static_cast<char>(text.size() >> 8)};
  return header + text;
}

void swap_bytes(void* data, std::size_t bytes, const NpyType& type) {
  const std::size_t width = type.kind == 'c' ? type.bytes / 2 : type.bytes;
  auto* at = static_cast<std::byte*>(data);
  for (const std::byte* end = at + bytes; at != end; at += width) std::reverse(at, at + width);
}

}  // namespace paracord::detail
