#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "paracord/memmap/byte_stream.h"
#include "paracord/memmap/mapped_file.h"
#include "paracord/memmap/type_text.h"

/// A value as a stream of bytes: a header that says its type and length, its message, and then the
/// arrays and large containers that are too long for that, each at a multiple of 64 bytes, so that
/// it can be mapped. All but what is mapped is held against digests.
namespace paracord::detail {

using EncodeValue = void (*)(Encoder& out, const void* value);
/// Constructs the value in a std::optional.
using DecodeValue = void (*)(Decoder& in, void* place);

/// Encodes twice where there are long parts: first to know them, then to write them.
/// Errors: SerializationError for views, and for what does not encode; what `out` throws.
void write_value(ByteSink& out, const TypeText& type, EncodeValue encode, const void* value);

struct ReadOptions {
  std::string name;                        ///< of the file, for messages
  std::optional<std::uint64_t> available;  ///< how many bytes there are, where that is known
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();  ///< more is refused
  std::optional<MmapMode> mmap_mode;
  std::shared_ptr<OpenFile> file;  ///< to map from; needed with mmap_mode
  std::uint64_t offset = 0;        ///< of the value in that file
  bool verify_mapped = false;      ///< also what is mapped is read, and held against its digest
  bool makes_pages = false;        ///< a thread makes the memory of large arrays
  bool freeze_mapped = false;      ///< it is promised that the file never changes
  std::string first_type{};        ///< what a file of the first release says of the type, if else
};

/// Errors: std::runtime_error with the name, for another type, and for what is damaged.
void read_value(ByteSource& in, const ReadOptions& options, const std::string& type,
                DecodeValue decode, void* place);

template <class T>
void write_value(ByteSink& out, const T& value) {
  write_value(
      out, described_type<T>(),
      [](Encoder& to, const void* any) { encode(to, *static_cast<const T*>(any)); }, &value);
}

template <class T>
T read_value(ByteSource& in, const ReadOptions& options) {
  std::optional<T> value;
  read_value(
      in, options, type_text<T>(),
      [](Decoder& from, void* place) {
        static_cast<std::optional<T>*>(place)->emplace(decode<T>(from));
      },
      &value);
  return *std::move(value);
}

}  // namespace paracord::detail
