#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>

#include "paracord/core/options.h"
#include "paracord/memmap/array.h"
#include "paracord/memmap/array_codec.h"
#include "paracord/memmap/npy.h"
#include "paracord/memmap/value_file.h"

/// Values in files. Arrays are in NumPy's format: numpy.load() opens what dump() wrote, and load()
/// what numpy.save() wrote. All else is in one of our own: see docs/persistence.md.
///
/// Threads: any.
/// Errors: std::runtime_error, with the path, for what is wrong with a file; std::invalid_argument
/// for what is wrong with the call; SerializationError for what cannot be encoded.
namespace paracord {

struct DumpOptions {
  /// "zlib", "gzip", "bz2", "xz", "lz4", "zstd", one that register_compressor() added, or "none";
  /// with a level, as "zstd:9". Empty: by the path's extension (.z .gz .bz2 .xz .lz4 .zst).
  std::string compress{};
  std::optional<int> level{};
  int threads = 0;  ///< that zstd may use besides this one
};

struct LoadOptions {
  /// Maps the file in place of reading it: `read`, `read_write` (what is written reaches the file)
  /// or `copy_on_write` (it stays here). A mapped array goes to worker processes without a copy,
  /// but for copy_on_write. Numbers in the other byte order cannot be mapped, nor compressed files.
  /// Of a value, the arrays in it are mapped. What is mapped is not held against its digest.
  std::optional<MmapMode> mmap_mode{};
  /// Refuses files that say they hold more: for those that come from somewhere.
  std::uint64_t max_bytes = std::numeric_limits<std::uint64_t>::max();
  int threads = 0;  ///< that may be used besides this one, to read compressed files: up to 2
};

struct RawOptions {
  std::uint64_t offset = 0;        ///< of the first element, in bytes: a multiple of its alignment
  MmapMode mode = MmapMode::read;  ///< `write`: makes a new file of zeros, in place of an old one
  Order order = Order::c;
};

namespace detail {

template <class A>
inline constexpr bool is_array = false;
template <class T>
inline constexpr bool is_array<Array<T>> = true;

/// What stands in a file, or is mapped of it.
struct Loaded {
  std::shared_ptr<Buffer> buffer;
  Shape shape;
  Order order;
};
Loaded load_npy(const std::string& path, const NpyType& wanted, const LoadOptions& options);
void dump_npy(const std::string& path, const NpyType& type, const void* first,
              const ArrayLayout& layout, const DumpOptions& options);
void dump_value(const std::string& path, const TypeText& type, EncodeValue encode,
                const void* value, const DumpOptions& options);
/// `first_type`: what files of the first release say of the type.
void load_value(const std::string& path, const std::string& type, const std::string& first_type,
                DecodeValue decode, void* place, const LoadOptions& options);
Loaded create_npy(const std::string& path, const NpyType& type, const Shape& shape, Order order);
std::shared_ptr<Buffer> map_raw(const std::string& path, std::size_t bytes, std::size_t alignment,
                                const RawOptions& options);

/// Throws std::runtime_error for a bool that is neither true nor false: memory of files may be
/// anything.
void refuse_bool(const std::string& path);
template <class T>
void check_bools(const std::string& path, const std::byte* data, std::size_t count) {
  if constexpr (is_flat_memory<T>) {
    if (!bools_hold(reinterpret_cast<const T*>(data), count)) refuse_bool(path);
  }
}

}  // namespace detail

/// The array in a .npy file. Its element type must be the file's; the shape may be any.
///
/// Example: `auto data = load<Array<double>>("data.npy", {.mmap_mode = MmapMode::read});`
template <class A>
requires detail::is_array<A> && detail::NpyElement<typename A::value_type> A
load(const std::string& path, const LoadOptions& options = {}) {
  const auto type = detail::npy_type_of<typename A::value_type>();
  detail::Loaded loaded = detail::load_npy(path, type, options);
  detail::check_bools<typename A::value_type>(path, loaded.buffer->data,
                                              detail::count_elements(loaded.shape));
  return A(std::move(loaded.buffer), loaded.shape, loaded.order);
}

/// Writes a .npy file. The name is there when the file is complete; an old file is replaced, and
/// who has it mapped keeps the old contents.
template <class T>
requires detail::NpyElement<std::remove_const_t<T>>
void dump(const ArrayView<T>& view, const std::string& path, const DumpOptions& options = {}) {
  detail::dump_npy(path, detail::npy_type_of<std::remove_const_t<T>>(), view.data(), view.layout(),
                   options);
}
template <detail::NpyElement T>
void dump(const Array<T>& array, const std::string& path, const DumpOptions& options = {}) {
  dump(array.view(), path, options);
}

/// Any other value that has a codec and owns its memory. The name is there when the file is
/// complete. Arrays in it are written where they lie, and can be mapped from an uncompressed file.
template <class T>
requires(!is_view<T> && detail::is_encodable<T>) void dump(const T& value, const std::string& path,
                                                           const DumpOptions& options = {}) {
  detail::dump_value(
      path, detail::described_type<T>(),
      [](Encoder& out, const void* any) { detail::encode(out, *static_cast<const T*>(any)); },
      &value, options);
}
/// The value in a file that dump() wrote. Its type must be the one that was written.
template <class T>
requires(!is_view<T> && detail::is_encodable<T> && !(detail::is_array<T> && requires {
  requires detail::NpyElement<typename T::value_type>;
})) T load(const std::string& path, const LoadOptions& options = {}) {
  std::optional<T> value;
  detail::load_value(
      path, detail::type_text<T>(), detail::first_type_text<T>(),
      [](Decoder& in, void* place) {
        static_cast<std::optional<T>*>(place)->emplace(detail::decode<T>(in));
      },
      &value, options);
  return *std::move(value);
}

/// For all else: says in one sentence what is missing.
template <class T>
requires(is_view<T> || !detail::is_encodable<T>) void dump(const T&, const std::string&,
                                                           const DumpOptions& = {}) {
  constexpr bool owns_its_memory = !is_view<T>;
  static_assert(owns_its_memory,
                "dump: a view owns no memory that load() could give back; dump a container or an "
                "Array.");
  constexpr bool has_codec = detail::is_encodable<T> || is_view<T>;
  static_assert(has_codec,
                "dump: this type has no codec; specialise paracord::Codec for it, or give it a "
                "`serialize(Archive&)`.");
}
template <class T>
requires(is_view<T> || !detail::is_encodable<T>) T
    load(const std::string&, const LoadOptions& = {}) {
  constexpr bool has_codec = detail::is_encodable<T> && !is_view<T>;
  static_assert(has_codec,
                "load: this type has no codec, or is a view; specialise paracord::Codec for it, or "
                "load what it looks at.");
}

/// Makes a .npy file of zeros and maps it: what is written to the array reaches the file. The file
/// takes room as it is written (where none is left, that is a SIGBUS).
template <detail::NpyElement T>
Array<T> create_npy(const std::string& path, const Shape& shape, Order order = Order::c) {
  detail::Loaded made = detail::create_npy(path, detail::npy_type_of<T>(), shape, order);
  return Array<T>(std::move(made.buffer), made.shape, made.order);
}

/// Maps elements that lie in a file of any format, as numpy.memmap does.
template <class T>
requires std::is_trivially_copyable_v<T> Array<T> map_raw(const std::string& path,
                                                          const Shape& shape,
                                                          const RawOptions& options = {}) {
  const std::size_t bytes = detail::count_elements(shape, sizeof(T)) * sizeof(T);
  auto buffer = detail::map_raw(path, bytes, alignof(T), options);
  detail::check_bools<T>(path, buffer->data, bytes / sizeof(T));
  return Array<T>(std::move(buffer), shape, options.order);
}

}  // namespace paracord
